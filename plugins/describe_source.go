package plugins

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// DescribeSource is Describe for one source, by the config's definition of it where the request has one. The description has
// that source alone; without a definition it has none where the provider does not know the source, and its DefinitionSchema
// is that of definitions of this source. An *sdk.Error says what the provider has against the definition; its Setting is a
// JSON Pointer into it.
func (h *Host) DescribeSource(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error) {
	s, err := h.supervisor(name)
	if err != nil {
		return nil, err
	}
	r := &remote{supervisor: s, limits: h.limits}
	d, err := r.DescribeSource(ctx, req)
	var failed *Error
	if errors.As(err, &failed) && failed.Crashed() {
		d, err = r.DescribeSource(ctx, req)
	}
	return d, err
}

// DescribeSourceCached is DescribeSource that starts no process where this very executable has described the source by this very
// definition before. It is for listings, as [Host.DescribeCached] is.
func (h *Host) DescribeSourceCached(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error) {
	s, err := h.supervisor(name)
	if err != nil {
		return nil, err
	}
	path, err := s.cacheFile(sourceKey(req)...)
	if err != nil {
		return nil, err
	}
	if d := readDescription(path, name); d != nil && checkOneSource(name, d, req) == nil {
		return d, nil
	}
	d, err := h.DescribeSource(ctx, name, req)
	if err != nil {
		return nil, err
	}
	if data, err := json.Marshal(toCache(d)); err == nil {
		// a cache that cannot be written only costs time
		_ = writePrivate(path, data)
	}
	return d, nil
}

// sourceKey is the part of a cache key that tells descriptions of single sources apart. A definition is in it by its digest.
func sourceKey(req *sdk.DescribeRequest) []string {
	key := []string{"source", req.Source}
	if d := req.Definition; d != nil {
		sum := sha256.Sum256(d.JSON)
		key = append(key, hex.EncodeToString(sum[:]), fmt.Sprint(d.NewOnly))
	}
	return key
}

// DescribeSource implements sdk.SourceDescriber. The description is checked and cleaned, and has that source alone.
func (r *remote) DescribeSource(ctx context.Context, req *sdk.DescribeRequest) (*sdk.Description, error) {
	var d *sdk.Description
	pointer := ""
	err := r.call(ctx, "in describe", r.limits.Describe, func(ctx context.Context, c *host.Client) (err error) {
		d, err = c.DescribeSource(ctx, req)
		if said := (*sdk.Error)(nil); errors.As(err, &said) {
			pointer = clean(said.Setting, 500)
		}
		return err
	})
	if said := (*sdk.Error)(nil); errors.As(err, &said) {
		said.Setting = pointer // which may be longer than the name of a setting
	}
	if err != nil {
		return nil, err
	}
	name := r.supervisor.spec.Name
	if err := checkDescription(name, d); err != nil {
		return nil, err
	}
	return d, checkOneSource(name, d, req)
}

// checkOneSource leaves the source that was asked for. A provider may describe all its sources to a request without a definition;
// to one with a definition, which only a provider with a schema gets, the answer is that source and no other.
func checkOneSource(name string, d *sdk.Description, req *sdk.DescribeRequest) error {
	if req.Definition == nil {
		d.Sources = slices.DeleteFunc(d.Sources, func(s sdk.Source) bool { return s.ID != req.Source })
		return nil
	}
	if len(d.Sources) != 1 || d.Sources[0].ID != req.Source {
		return newError(CodeBadAnswer, name, "did not describe exactly the source that it was asked for by a definition").
			hint("report it to the provider's author")
	}
	return nil
}
