package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// facts is a part of a file.
type facts map[string]any

// factsOf reads a file, with a variant laid over it.
func factsOf(t *testing.T, id, variant string) facts {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("catalog", id+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var f facts
	if err := yaml.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	if variant != "" {
		overlay(f, f.at("variants").at(variant))
	}
	return f
}

func overlay(under, over facts) {
	for key, value := range over {
		inner, isMap := asFacts(value)
		old, wasMap := asFacts(under[key])
		switch {
		case value == nil:
			delete(under, key)
		case isMap && wasMap:
			overlay(old, inner)
			under[key] = old
		default:
			under[key] = value
		}
	}
}

func asFacts(v any) (facts, bool) {
	switch v := v.(type) {
	case facts:
		return v, true
	case map[string]any:
		return v, true
	}
	return nil, false
}

func (f facts) at(key string) facts {
	inner, _ := asFacts(f[key])
	return inner
}

func (f facts) text(key string) string {
	if f[key] == nil {
		return ""
	}
	return fmt.Sprint(f[key])
}

func (f facts) list(key string) (out []string) {
	values, _ := f[key].([]any)
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}
