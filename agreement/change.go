package agreement

import (
	"bytes"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"selda/fault"
)

// What is changed in the console is changed in the file: its words and comments
// stay as its author wrote them. Each change gives the new file, which holds.

// Sign adds a signature.
func Sign(content []byte, s Signature) ([]byte, error) {
	f := signatureFile{Organisation: string(s.Organisation), Name: s.Name, Office: s.Office, Signed: s.Signed.UTC().Format(time.RFC3339), Provisional: s.Provisional}
	for _, p := range s.For {
		f.For = append(f.For, string(p))
	}
	return change(content, func(root *yaml.Node) error { return appendTo(root, "signed", f) })
}

// Suspend adds a suspension.
func Suspend(content []byte, s Suspension) ([]byte, error) {
	f := suspensionFile{Since: s.Since.UTC().Format(time.RFC3339), Reason: s.Reason, By: s.By}
	for _, p := range s.From {
		f.From = append(f.From, string(p))
	}
	return change(content, func(root *yaml.Node) error { return appendTo(root, "suspended", f) })
}

// Resume ends the suspensions of a party that are in force.
func Resume(content []byte, from Party, at time.Time) ([]byte, error) {
	const op = "agreement.Resume"
	a, err := Parse(content)
	if err != nil {
		return nil, err
	}
	return change(content, func(root *yaml.Node) error {
		ended := 0
		list := child(root, "suspended")
		for i, x := range a.Suspensions {
			if slices.Contains(x.From, from) && x.holds(at) {
				set(list.Content[i], "until", at.UTC().Format(time.RFC3339))
				ended++
			}
		}
		if ended == 0 {
			return fault.E(op, fault.NotFound, "no suspension of "+string(from)+" is in force")
		}
		return nil
	})
}

// Renew gives it a new end, a day in London.
func Renew(content []byte, ends string) ([]byte, error) {
	return change(content, func(root *yaml.Node) error {
		set(root, "ends", ends)
		return nil
	})
}

// Withdraw ends it for good.
func Withdraw(content []byte, at time.Time) ([]byte, error) {
	return change(content, func(root *yaml.Node) error {
		set(root, "withdrawn", at.UTC().Format(time.RFC3339))
		return nil
	})
}

// Join adds an organisation to those with whom a share shares.
func Join(content []byte, share int, p Party) ([]byte, error) {
	const op = "agreement.Join"
	return change(content, func(root *yaml.Node) error {
		list := child(root, "shares")
		if list == nil || share < 0 || share >= len(list.Content) {
			return fault.E(op, fault.NotFound, "there is no such share")
		}
		return appendTo(list.Content[share], "with", string(p))
	})
}

func change(content []byte, f func(root *yaml.Node) error) ([]byte, error) {
	const op = "agreement.change"
	if _, err := Parse(content); err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil, fault.E(op, fault.Structure, plainYAML(err))
	}
	if err := f(doc.Content[0]); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return nil, fault.E(op, fault.Structure, err)
	}
	_, err := Parse(out.Bytes())
	return out.Bytes(), err
}

// child is the value of a name in a mapping; nil where there is none.
func child(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func set(n *yaml.Node, name, value string) {
	v := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	if old := child(n, name); old != nil {
		v.LineComment = old.LineComment
		*old = *v
		return
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, v)
}

func appendTo(n *yaml.Node, name string, value any) error {
	var v yaml.Node
	if err := v.Encode(value); err != nil {
		return err
	}
	list := child(n, name)
	if list == nil {
		list = &yaml.Node{Kind: yaml.SequenceNode}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, list)
	}
	list.Content = append(list.Content, &v)
	return nil
}
