package synth

import (
	"strconv"

	"selda/nhs"
)

// Kind is what an organisation is.
type Kind string

// The kinds of organisation in the footprint.
const (
	Practice      Kind = "general practice"
	Acute         Kind = "acute trust"
	MentalHealth  Kind = "mental health trust"
	Community     Kind = "community provider"
	Council       Kind = "local authority"
	Hospice       Kind = "hospice"
	Ambulance     Kind = "ambulance trust"
	UrgentService Kind = "out-of-hours service"
	Board         Kind = "integrated care board"
)

// Organisation is one that feeds the record, or whose people read it.
type Organisation struct {
	Code    nhs.ODS
	Name    string
	Short   string // what people write of it; "" where that is the name
	Kind    Kind
	Borough string       // "" where it serves several
	Sources []nhs.Source // its systems, each a feed of its own
	Format  string       // of a practice: "fhir" or "csv"
	sites   []site
}

// Sites are the names of its sites by their ODS codes.
func (o *Organisation) Sites() map[nhs.ODS]string {
	out := map[nhs.ODS]string{}
	for _, s := range o.sites {
		out[nhs.ODS(s.code)] = s.name
	}
	return out
}

type site struct {
	code, name string
	wards      []string
}

// Trusts, the ambulance trust and their sites stand here under their public
// ODS codes. Councils have their public three-digit codes. Practices are made
// up, with codes of the right form out of the unused upper range of their
// districts (G83 Bexley and Greenwich, G84 Bromley, G85 the rest), so that no
// real practice is spoken for; so are the codes of hospices, of the community
// interest company and of the out-of-hours service.
var providers = []Organisation{
	{Code: "RJ1", Name: "Guy's and St Thomas' NHS Foundation Trust", Short: "GSTT", Kind: Acute, Sources: systems("RJ1", "PAS LAB EPR COM API"),
		sites: []site{{"RJ122", "St Thomas' Hospital", words("Albert Evan_Jones Hillyers Mark_Acute George_Perkins")},
			{"RJ121", "Guy's Hospital", words("Blundell Dorcas Florence Hedley_Atkins")}}},
	{Code: "RJZ", Name: "King's College Hospital NHS Foundation Trust", Short: "KCH", Kind: Acute, Sources: systems("RJZ", "PAS LAB EPR"),
		sites: []site{{"RJZ01", "King's College Hospital", words("Annie_Zunz Byron Donne Lonsdale Oliver Sam_Oram Trundle")},
			{"RJZ30", "Princess Royal University Hospital", words("Darwin Farnborough Medical_1 Medical_4 Surgical_3")}}},
	{Code: "RJ2", Name: "Lewisham and Greenwich NHS Trust", Short: "LGT", Kind: Acute, Sources: systems("RJ2", "PAS LAB EPR COM"),
		sites: []site{{"RJ224", "University Hospital Lewisham", words("Alder Cherry Elm Juniper Mulberry")},
			{"RJ231", "Queen Elizabeth Hospital", words("Ward_2 Ward_4 Ward_14 Ward_18 Ward_22")}}},
	{Code: "RN7", Name: "Dartford and Gravesham NHS Trust", Short: "DGT", Kind: Acute, Sources: systems("RN7", "PAS LAB EPR"),
		sites: []site{{"RN707", "Darent Valley Hospital", words("Beech Ebony Juniper Linden Rosewood")}}},
	{Code: "RV5", Name: "South London and Maudsley NHS Foundation Trust", Short: "SLaM", Kind: MentalHealth, Sources: systems("RV5", "EPR"),
		sites: []site{{"RV501", "Maudsley Hospital", words("Aubrey_Lewis_1 Eileen_Skellern_2 John_Dickson")}}},
	{Code: "RPG", Name: "Oxleas NHS Foundation Trust", Short: "Oxleas", Kind: MentalHealth, Sources: systems("RPG", "EPR COM"),
		sites: []site{{"RPG54", "Oxleas House", words("Avery Maryon Shrewsbury")}}},
	{Code: "NX1", Name: "Bromley Healthcare", Kind: Community, Borough: "Bromley", Sources: systems("NX1", "COM")},
	{Code: "718", Name: "London Borough of Bexley", Short: "Bexley", Kind: Council, Borough: "Bexley", Sources: systems("718", "ASC CSC")},
	{Code: "720", Name: "London Borough of Bromley", Short: "Bromley", Kind: Council, Borough: "Bromley", Sources: systems("720", "ASC CSC")},
	{Code: "703", Name: "Royal Borough of Greenwich", Short: "Greenwich", Kind: Council, Borough: "Greenwich", Sources: systems("703", "ASC CSC")},
	{Code: "708", Name: "London Borough of Lambeth", Short: "Lambeth", Kind: Council, Borough: "Lambeth", Sources: systems("708", "ASC CSC")},
	{Code: "709", Name: "London Borough of Lewisham", Short: "Lewisham", Kind: Council, Borough: "Lewisham", Sources: systems("709", "ASC CSC")},
	{Code: "710", Name: "London Borough of Southwark", Short: "Southwark", Kind: Council, Borough: "Southwark", Sources: systems("710", "ASC CSC")},
	{Code: "8HX01", Name: "St Christopher's Hospice", Short: "St Christopher's", Kind: Hospice, Sources: systems("8HX01", "EPR")},
	{Code: "8HX02", Name: "Greenwich and Bexley Community Hospice", Short: "GBCH", Kind: Hospice, Sources: systems("8HX02", "EPR")},
	{Code: "QKK", Name: "NHS South East London Integrated Care Board", Kind: Board},
	{Code: "RRU", Name: "London Ambulance Service NHS Trust", Short: "LAS", Kind: Ambulance, Sources: systems("RRU", "CAD NHS111")},
	{Code: "NSD", Name: "South East London Doctors Out of Hours", Short: "Out of hours", Kind: UrgentService, Sources: systems("NSD", "OOH")},
}

// practiceNames are those of each borough, in the order of boroughs. The
// first of Southwark is the practice of the account gp.
var practiceNames = [...]string{
	"Danson_Park_Surgery Erith_Riverside_Practice Sidcup_Green_Medical_Centre Welling_Corner_Surgery Northend_Family_Practice Belvedere_Medical_Centre Blackfen_Surgery",
	"Widmore_Health_Centre Penge_Lane_Surgery Chislehurst_Common_Practice Orpington_Priory_Surgery Hayes_Village_Practice Elmers_End_Medical_Centre Cray_Valley_Surgery",
	"Woolwich_Common_Surgery Plumstead_Hill_Practice Eltham_Palace_Surgery Thames_View_Practice Blackheath_Standard_Surgery Charlton_Slopes_Practice Thamesmead_Lakes_Health_Centre",
	"Brixton_Water_Lane_Practice Stockwell_Cross_Surgery Kennington_Green_Practice Streatham_Vale_Surgery Gipsy_Hill_Medical_Practice Clapham_North_Surgery Vauxhall_Gardens_Practice",
	"Deptford_Creek_Surgery Brockley_Hill_Practice Catford_Bridge_Surgery Forest_Hill_Rise_Practice Lee_Green_Medical_Centre Sydenham_Wells_Surgery New_Cross_Gate_Practice",
	"Old_Kent_Road_Practice Peckham_Rye_Surgery Camberwell_Grove_Practice Bermondsey_Leather_Market_Surgery Rotherhithe_Docks_Practice Elephant_Walk_Surgery Dulwich_Plough_Practice",
}

func systems(code, list string) []nhs.Source {
	var out []nhs.Source
	for _, s := range words(list) {
		out = append(out, nhs.Source(code+":"+s))
	}
	return out
}

// gpPractice is the practice of the account gp.
const gpPractice nhs.ODS = "G85915"

// footprint is every organisation, and the lookups that stories need.
type footprint struct {
	all       []Organisation
	byCode    map[nhs.ODS]*Organisation
	practices [len(boroughs)][]*Organisation // by borough
}

func newFootprint() *footprint {
	f := &footprint{all: append([]Organisation(nil), providers...), byCode: map[nhs.ODS]*Organisation{}}
	next := map[string]int{"G83": 901, "G84": 901, "G85": 901}
	district := [...]string{"G83", "G84", "G83", "G85", "G85", "G85"}
	for i, names := range practiceNames {
		for j, name := range words(names) {
			code := nhs.ODS(district[i] + strconv.Itoa(next[district[i]]))
			next[district[i]]++
			format := "fhir"
			if j == 4 { // one practice a borough sends daily extracts instead
				format = "csv"
			}
			f.all = append(f.all, Organisation{Code: code, Name: name, Kind: Practice, Borough: boroughs[i].Name,
				Sources: []nhs.Source{nhs.Source(code + ":GP")}, Format: format})
		}
	}
	for i := range f.all {
		o := &f.all[i]
		f.byCode[o.Code] = o
		if o.Kind == Practice {
			for b := range boroughs {
				if boroughs[b].Name == o.Borough {
					f.practices[b] = append(f.practices[b], o)
				}
			}
		}
	}
	return f
}

// Organisations are all of the footprint, providers first, then practices.
func Organisations() []Organisation { return newFootprint().all }
