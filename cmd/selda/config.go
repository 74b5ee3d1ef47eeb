package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// yamlConfig reads selda.yaml: a flag by its name, or by "verb.flag".
func yamlConfig(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && err != io.EOF {
		return nil, fmt.Errorf("selda.yaml: %w", err)
	}
	return kong.ResolverFunc(func(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
		if parent != nil && parent.Node() != nil {
			if section, ok := values[strings.Fields(parent.Node().Path() + " ")[0]].(map[string]any); ok {
				if v, ok := section[flag.Name]; ok {
					return v, nil
				}
			}
		}
		v, ok := values[flag.Name]
		if _, section := v.(map[string]any); !ok || section {
			return nil, nil
		}
		return v, nil
	}), nil
}
