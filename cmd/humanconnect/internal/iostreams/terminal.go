package iostreams

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/tty"
)

// ErrBackground: there is a terminal, but another process group is in front on it: there is nobody to ask.
var ErrBackground = errors.New("this program runs in the background of its terminal")

func openTerminal() (io.ReadWriteCloser, error) {
	t, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if tty.Background(t) {
		_ = t.Close()
		return nil, ErrBackground
	}
	return t, nil
}

// draws says whether terminals of a type, as TERM has it, are known to have a cursor that moves, an alternate screen and
// colour. Of one that is not known, the description may be missing on this machine.
func draws(kind string) bool {
	kind = strings.ToLower(kind)
	family, _, _ := strings.Cut(kind, "-")
	family, _, _ = strings.Cut(family, ".") // screen.xterm-256color
	return slices.Contains(drawingFamilies(), family) || strings.HasPrefix(family, "vt") && len(family) == len("vt100")
}

// drawingFamilies are the first words of TERM, as in ncurses' terminfo, of the terminals that can draw.
func drawingFamilies() []string {
	return []string{
		"alacritty", "contour", "cygwin", "eterm", "foot", "ghostty", "gnome", "hterm", "iterm", "iterm2", "kitty", "konsole", "linux",
		"mintty", "mlterm", "ms", "mterm", "nsterm", "putty", "rio", "rxvt", "screen", "st", "teraterm", "tmux", "vscode", "vte",
		"warp", "wezterm", "xfce", "xterm", "zellij",
	}
}
