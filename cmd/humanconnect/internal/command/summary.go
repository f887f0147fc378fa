package command

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
)

// PrintSummary writes a response document for a person.
func PrintSummary(s *iostreams.IO, response []byte) error {
	var r event.Response
	if err := json.Unmarshal(response, &r); err != nil {
		return fmt.Errorf("reading a response: %w", err)
	}
	b := s.NewPage()
	if r.Status != "" {
		fmt.Fprintln(b, r.Status)
	}
	if err := iostreams.WriteTable(b, nil, summaryRows(r)); err != nil {
		return err
	}
	_, err := io.Copy(s.Out, b)
	return err
}

func summaryRows(r event.Response) [][]string {
	var rows [][]string
	for _, c := range r.SessionResults.ConnectedSources {
		rows = append(rows, []string{"connected", c.Name, string(c.ConnectionID)})
	}
	for _, c := range r.SessionResults.DisconnectedSources {
		rows = append(rows, []string{"disconnected", c.Name, string(c.ConnectionID), "revocation " + c.Revocation})
	}
	for _, f := range r.Failures {
		rows = append(rows, []string{"failed", f.Source.Name, f.Action, f.Code, f.Message})
	}
	for _, c := range r.CurrentConnections {
		rows = append(rows, []string{"now connected", c.Name, string(c.ConnectionID), "since " + c.ConnectedSince.String()})
	}
	return rows
}
