package plugins

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/humanconnect/humanconnect/sdk"
)

// DescribeSource returns the description of a provider with one source alone, by the config's definition of it where the request
// has one, from the process of that source, which goes on. Without a definition it has no source where the provider does not
// describe that one any longer, and its DefinitionSchema is that of definitions of this source. Checks and errors are those of
// Describe; a source with a definition is the config's claim, and not the provider's. An *sdk.Error says what the provider has
// against the definition; its Setting is a JSON Pointer into it.
func (h *Host) DescribeSource(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error) {
	s, err := h.supervisor(Key{name, req.Source})
	if err != nil {
		return nil, err
	}
	d, err := s.describe(ctx, req)
	if err != nil {
		return nil, err
	}
	spec, err := h.spec(name)
	if err != nil {
		return nil, err
	}
	if claimed, known := h.pinned(name); known && !spec.Dev && req.Definition == nil {
		if err := moreClaims(spec, claimed, sourceIDs(d)); err != nil {
			return nil, err
		}
	}
	return d, checkOneSource(name, d, req)
}

// DescribeSourceCached is DescribeSource that starts no process where this very executable has described the source by this very
// definition before. It is for listings, as [Host.DescribeCached] is: a process that it starts is stopped again.
func (h *Host) DescribeSourceCached(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error) {
	spec, err := h.spec(name)
	if err != nil {
		return nil, err
	}
	path, err := h.cacheFile(spec, sourceKey(req)...)
	if err != nil {
		return nil, err
	}
	if !spec.Dev {
		if d := readDescription(path, name); d != nil && checkOneSource(name, d, req) == nil {
			return d, nil
		}
	}
	s, err := h.supervisor(Key{Provider: name})
	if err != nil {
		return nil, err
	}
	defer s.stopIdle()
	d, err := s.describe(ctx, req)
	if err == nil {
		err = checkOneSource(name, d, req)
	}
	if err != nil || spec.Dev {
		return d, err
	}
	h.cache(path, spec, d)
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
