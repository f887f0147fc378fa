package child

// Head keeps the first Limit bytes that are written to it, and Tail the last. Both discard the rest, so that the writer is
// never blocked.
type (
	Head struct {
		Limit int
		kept  []byte
	}
	Tail struct {
		Limit int
		kept  []byte
	}
)

// Write implements io.Writer. It never fails.
func (h *Head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), h.Limit-len(h.kept))]...)
	return len(p), nil
}

// Bytes returns what is kept.
func (h *Head) Bytes() []byte { return h.kept }

// Write implements io.Writer. It never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*t.Limit {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-t.Limit:]...)
	}
	return len(p), nil
}

// Bytes returns what is kept.
func (t *Tail) Bytes() []byte { return t.kept[max(0, len(t.kept)-t.Limit):] }
