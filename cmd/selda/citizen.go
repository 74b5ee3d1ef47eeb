package main

import (
	"selda/fault"
	"selda/nhs"
	"selda/store"
)

// citizen is the stable id of whom an argument names: by their NHS number, as letters and
// telephone calls do, or by that id.
func (e *env) citizen(arg string) (string, error) {
	const op = "selda.citizen"
	n, err := nhs.ParseNumber(arg)
	if err == nil {
		id, err := e.region.Access.ByNumber(e.ctx, n)
		if fault.Is(err, fault.NotFound) {
			return "", fault.E(op, fault.NotFound, "no record here has this NHS number")
		}
		return id, err
	}
	if _, err := e.region.Store.Citizen(e.ctx, arg, store.Latest); fault.Is(err, fault.NotFound) {
		return "", fault.E(op, fault.NotFound, "no record here has this id: give the NHS number, or the id that is in the address of the record")
	}
	return arg, nil
}
