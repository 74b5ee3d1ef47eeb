package api

import (
	"slices"

	"selda/fault"
	"selda/store"
)

func init() {
	offer(operation{name: "everything", at: onInstance, types: []string{"Group"}, definition: core + "Group-everything", run: (*request).everything})
}

// maxMembers is how many people's records one answer holds.
const maxMembers = 100

// eachOfGroup gives everything of the people of a group whom the one who asks may
// see; whom they may not see is as one who is not there.
// https://hl7.org/fhir/R4/group-operation-everything.html
func (q *request) eachOfGroup(id, path string, n uint64, wanted func(*store.Version) bool, b *bundle, with *support, add adding) (field, error) {
	const op = "api.everything"
	f, err := q.fieldFor("Group", id, n)
	if err != nil {
		return nil, err
	}
	group, err := f.get("Group", id)
	if err != nil {
		return nil, err
	}
	if group == nil {
		return nil, fault.E(op, fault.NotFound, "there is no such resource")
	}
	members := membersOf(group.Res)
	slices.Sort(members)
	if members = slices.Compact(members); len(members) > maxMembers {
		return nil, fault.E(op, fault.TooCostly, "the group has more people than one answer holds: ask for Group/"+id+"/$export")
	}
	for _, m := range members {
		of, err := q.eachOf(m, path, n, wanted, b, with, add)
		switch {
		case fault.Is(err, fault.NotFound), fault.Is(err, fault.Security):
		case err != nil:
			return nil, err
		default:
			f = of
		}
	}
	return f, nil
}
