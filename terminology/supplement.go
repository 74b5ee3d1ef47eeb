package terminology

import (
	"cmp"
	"slices"

	"selda/terminology/index"
)

// Supplements are CodeSystems that add names and properties to the codes of
// another one. They change neither which codes there are nor how these relate,
// so that what is known of a code has them without being asked.
// https://hl7.org/fhir/R4/codesystem.html#supplements

// supplementing is a library that may have supplements.
type supplementing interface {
	// Supplements are those of a code system, whether or not they name the version.
	Supplements(system, version string) ([]*index.Index, error)
}

// supplements are those of a code system that the libraries have.
func (s *Service) supplements(x *index.Index) ([]*index.Index, error) {
	if x == nil {
		return nil, nil
	}
	var out []*index.Index
	for _, l := range s.libraries {
		if l, ok := l.(supplementing); ok {
			list, err := l.Supplements(x.Meta().System, x.Meta().Version)
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
	}
	return out, nil
}

// supplemented is a concept with those that add to it.
type supplemented struct {
	x    *index.Index
	c    index.Concept
	more []*index.Index
}

// each calls f with the concept's code in each supplement that has it.
func (s supplemented) each(f func(x *index.Index, c index.Concept)) {
	if len(s.more) == 0 {
		return
	}
	code := s.x.Code(s.c)
	for _, x := range s.more {
		if c, ok := x.Find(code); ok {
			f(x, c)
		}
	}
}

// display is the concept's name in a language, where it has one in it.
func (s supplemented) display(language string) string {
	own := display(s.x, s.c, language)
	if language == "" || own != s.x.Display(s.c) || sameLanguage(s.x.Meta().Language, language) {
		return own
	}
	found := ""
	s.each(func(x *index.Index, c index.Concept) {
		for _, d := range x.Designations(c) {
			if found == "" && d.Role <= index.FullName && sameLanguage(cmp.Or(d.Language, x.Meta().Language), language) {
				found = d.Text
			}
		}
	})
	return cmp.Or(found, own)
}

// named are the concept's names other than the display and the definition.
func (s supplemented) named() []Designation {
	out := named(s.x, s.c)
	s.each(func(x *index.Index, c index.Concept) {
		list := named(x, c)
		if text := x.Display(c); text != "" && text != s.x.Display(s.c) {
			list = append(list, Designation{Language: x.Meta().Language, Value: text})
		}
		for _, d := range list {
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	})
	return out
}

// properties are those of the concept that are asked for.
func (s supplemented) properties(language string, asked []string) []Property {
	out := properties(s.x, s.c, language, asked)
	s.each(func(x *index.Index, c index.Concept) {
		for i := range x.PropertyCount(c) {
			if p := x.Property(c, i); wanted(asked, p.Code()) {
				out = append(out, property(x, p, language))
			}
		}
	})
	return out
}
