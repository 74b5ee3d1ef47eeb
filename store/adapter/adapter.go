// Package adapter is what the adapters of the store have in common: how a body
// is compressed, how a number becomes an id, how compartments are kept parsed,
// and what a search token is. None of it knows a database; what is made here is
// stored, and so can't change.
package adapter
