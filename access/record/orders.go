package record

import "cmp"

// OrderedBy is who asked for results, by the reference of the Observation:
// found by way of its report and of the number that the placer gave the order.
func (v *View) OrderedBy() map[string]string {
	asked := map[string]string{} // by the placer's number, or the reference of the order
	for _, i := range v.Of("ServiceRequest") {
		who := Words(i.Res.Get("requester"))
		if who == "" {
			continue
		}
		asked["ServiceRequest/"+i.ID] = who
		for _, id := range i.Res.Root().List("identifier") {
			asked[id.Get("value").Text()] = who
		}
	}
	out := map[string]string{}
	for _, i := range v.Of("DiagnosticReport") {
		for _, order := range i.Res.Root().List("basedOn") {
			who := asked[cmp.Or(order.Get("reference").Text(), order.Get("identifier", "value").Text())]
			if who == "" {
				continue
			}
			for _, o := range i.Res.Root().List("result") {
				out[o.Get("reference").Text()] = who
			}
		}
	}
	return out
}
