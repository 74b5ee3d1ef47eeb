package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// yamlConfig reads selda.yaml: a flag by its name, or within its verb. What the
// environment says comes before it.
func yamlConfig(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && err != io.EOF {
		return nil, fmt.Errorf("selda.yaml: %w", err)
	}
	return kong.ResolverFunc(func(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
		if _, set := fromEnv(flag); set {
			return nil, nil
		}
		if parent != nil && parent.Node() != nil {
			verb, _, _ := strings.Cut(parent.Node().Path(), " ") // "" of the flags that every verb has
			if section, ok := values[verb].(map[string]any); ok {
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

// fromEnv is what the environment says of a flag.
func fromEnv(flag *kong.Flag) (string, bool) {
	for _, name := range flag.Envs {
		if v, ok := os.LookupEnv(name); ok {
			return v, true
		}
	}
	return "", false
}

// withEnv are a command line's arguments with what the environment says beside
// them: a server that carries it out has another environment.
func withEnv(k *kong.Context, args []string) []string {
	given := map[string]bool{}
	for _, p := range k.Path {
		if p.Flag != nil && !p.Resolved {
			given[p.Flag.Name] = true
		}
	}
	var flags []string
	for _, f := range k.Flags() {
		if v, ok := fromEnv(f); ok && !given[f.Name] {
			flags = append(flags, "--"+f.Name+"="+v)
		}
	}
	return append(slices.Clone(args), flags...)
}
