package oracle

import "slices"

// sealed: G4, "Limits inside an organisation are a separate seal that its controller
// sets." docs/adr/0022: it hides from own staff outside the teams and roles that it names,
// never from the author's team; "Emergency access opens it"; "what a statute protects stays
// hidden under it. No seal hides who somebody is, an allergy, or a plan for a crisis."
func (w World) sealed(r Reader, history []Sent) bool {
	item := whole(history)
	labels := w.labels(history)
	if k := kind(item); k == "demographics" || k == "directory" || k == "allergies" || w.safetyPlan(r, labels) || r.Organisation == "" {
		return false
	}
	file := read(w.Limits[r.Organisation])
	wrote := w.teamsOf(file, item)
	if shares(wrote, r.Teams) {
		return false
	}
	for _, s := range at(file, "seals") {
		switch {
		case slices.Contains(texts(s, "roles"), r.Role) || shares(texts(s, "teams"), r.Teams):
		case narrows(s, "from") && !slices.Contains(texts(s, "from"), item.Source):
		case narrows(s, "data-sets") && !slices.Contains(texts(s, "data-sets"), kind(item)):
		case narrows(s, "labels") && !shares(texts(s, "labels"), labels):
		case narrows(s, "of") && !shares(texts(s, "of"), wrote):
		case w.emergency(r) != "" && !shares(statutory, labels):
		default:
			return true
		}
	}
	return false
}

func narrows(seal any, by string) bool { return len(at(seal, by)) > 0 }

func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// teamsOf are the teams of its organisation that wrote an item: by the system that they
// alone write in, by the specialty that it names; "What is of a visit is its team's".
func (w World) teamsOf(file map[string]any, item Sent) (out []string) {
	for _, t := range at(file, "teams") {
		wrote := texts(t, "wrote")
		if slices.Contains(texts(t, "from"), item.Source) || shares(wrote, texts(item.Body, "serviceType.coding.code")) {
			out = append(out, text(t, "name"))
		}
	}
	visit := text(item.Body, "encounter.reference")
	var known []Sent
	for _, v := range w.Sent {
		if v.Type+"/"+v.ID == visit && v.Order < item.Order && v.Source == item.Source {
			known = append(known, v)
		}
	}
	if len(known) > 0 {
		out = append(out, w.teamsOf(file, whole(known))...)
	}
	return out
}
