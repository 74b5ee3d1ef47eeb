package synth

import "strings"

// Borough is one of the six boroughs of South East London.
type Borough struct {
	Name      string
	LAD       string  // local authority district, ONS code
	Residents int     // usual residents, Census 2021 (ONS, table TS001, to the nearest 100)
	Inner     float64 // how far its ages are those of inner London, 0 to 1
	outward   []string
	streets   []string
	ethnic    [17]float64 // percent, in the order of ethnicities
	deprived  [10]float64 // percent of residents by decile of deprivation, 1 the most deprived
	social    string      // the council's code
}

// ethnicities are the NHS ethnic category codes that the shares stand for, in
// order. NHS Data Dictionary, ETHNIC CATEGORY; 2021 census groups, with Arab,
// Gypsy and Roma in "any other" as the sixteen-plus-one list has no code for them.
const ethnicities = "ABCDEFGHJKLMNPRSZ"

var ethnicTerm = map[byte]string{'A': "White - British", 'B': "White - Irish", 'C': "White - Any other White background",
	'D': "Mixed - White and Black Caribbean", 'E': "Mixed - White and Black African", 'F': "Mixed - White and Asian",
	'G': "Mixed - Any other mixed background", 'H': "Asian or Asian British - Indian", 'J': "Asian or Asian British - Pakistani",
	'K': "Asian or Asian British - Bangladeshi", 'L': "Asian or Asian British - Any other Asian background",
	'M': "Black or Black British - Caribbean", 'N': "Black or Black British - African",
	'P': "Black or Black British - Any other Black background", 'R': "Other Ethnic Groups - Chinese",
	'S': "Other Ethnic Groups - Any other ethnic group", 'Z': "Not stated"}

// The five broad groups add up to Census 2021, table TS021; how each is split
// within itself is rounded (PREVALENCE.md says what was checked).
var boroughs = [...]Borough{
	{Name: "Bexley", LAD: "E09000004", Residents: 246500, Inner: 0, social: "718",
		outward:  words("DA5 DA6 DA7 DA8 DA14 DA15 DA16 DA17 SE2"),
		streets:  words("Danson_Road Bellegrove_Road Long_Lane Penhill_Road Hurst_Road Avenue_Road Erith_High_Street Manor_Road Brampton_Road Blackfen_Road Sidcup_Hill Woolwich_Road"),
		ethnic:   [17]float64{64, 1, 6.5, 1, .7, .9, 1, 4, .7, .7, 3, 1.4, 9.6, 1.2, 1.6, 1.7, 1},
		deprived: [10]float64{1, 7, 10, 11, 12, 14, 13, 12, 12, 8}},
	{Name: "Bromley", LAD: "E09000006", Residents: 330000, Inner: .1, social: "720",
		outward:  words("BR1 BR2 BR3 BR4 BR5 BR6 BR7 SE20"),
		streets:  words("Widmore_Road Masons_Hill Croydon_Road Elmers_End_Road Southborough_Lane Cray_Avenue Tubbenden_Lane Sevenoaks_Road Bickley_Park_Road Hayes_Lane Maple_Road Anerley_Road"),
		ethnic:   [17]float64{67, 1.5, 8, 1.3, .7, 1.4, 1.4, 3, .6, .6, 2.6, 2.2, 4.6, .8, 1.4, 1.9, 1},
		deprived: [10]float64{3, 6, 7, 7, 8, 9, 12, 14, 16, 18}},
	{Name: "Greenwich", LAD: "E09000011", Residents: 289100, Inner: .5, social: "703",
		outward:  words("SE2 SE3 SE7 SE9 SE10 SE18 SE28"),
		streets:  words("Plumstead_High_Street Woolwich_New_Road Trafalgar_Road Westcombe_Hill Well_Hall_Road Eltham_High_Street Burrage_Road Charlton_Church_Lane Shooters_Hill_Road Bannockburn_Road Nightingale_Place Tunnel_Avenue"),
		ethnic:   [17]float64{41, 1.6, 13, 1.6, 1, 1.3, 1.9, 3.2, 1, .8, 5.5, 2.7, 16, 2.2, 2.6, 3.6, 1},
		deprived: [10]float64{4, 17, 20, 16, 12, 10, 8, 6, 5, 2}},
	{Name: "Lambeth", LAD: "E09000022", Residents: 317600, Inner: 1, social: "708",
		outward:  words("SE1 SE11 SE24 SE27 SW2 SW4 SW8 SW9 SW16"),
		streets:  words("Brixton_Hill Clapham_Road Kennington_Lane Coldharbour_Lane Acre_Lane Norwood_Road Streatham_High_Road Wandsworth_Road Loughborough_Road Stockwell_Road Railton_Road Leigham_Court_Road"),
		ethnic:   [17]float64{37.5, 2, 15.5, 2.7, 1.2, 1.4, 2.8, 1.6, .9, .7, 2.6, 9, 12, 3, 1.5, 4.6, 1},
		deprived: [10]float64{6, 22, 24, 17, 12, 8, 6, 3, 1, 1}},
	{Name: "Lewisham", LAD: "E09000023", Residents: 300600, Inner: .8, social: "709",
		outward:  words("SE4 SE6 SE8 SE12 SE13 SE14 SE23 SE26"),
		streets:  words("Lee_High_Road Bromley_Road Evelyn_Street Brockley_Road Perry_Vale Sydenham_Road Lewisham_Way Rushey_Green Hither_Green_Lane Stanstead_Road Baring_Road Ladywell_Road"),
		ethnic:   [17]float64{37, 1.8, 12.7, 3, 1.3, 1.3, 2.5, 1.5, .6, .6, 4, 10, 13.3, 3.5, 2.3, 3.6, 1},
		deprived: [10]float64{5, 23, 25, 16, 12, 8, 5, 3, 2, 1}},
	{Name: "Southwark", LAD: "E09000028", Residents: 307700, Inner: 1, social: "710",
		outward:  words("SE1 SE5 SE15 SE16 SE17 SE21 SE22 SE24"),
		streets:  words("Old_Kent_Road Rye_Lane Camberwell_Road Walworth_Road Jamaica_Road Lordship_Lane Peckham_Road Southampton_Way Queens_Road Lower_Road Asylum_Road Long_Lane"),
		ethnic:   [17]float64{35.3, 2, 14, 2.1, 1.3, 1.2, 2.6, 1.9, .6, 1.5, 2.5, 5.9, 15.9, 3.1, 2.8, 5.7, 1},
		deprived: [10]float64{6, 21, 23, 17, 12, 9, 6, 3, 2, 1}},
}

// words splits on spaces; an underscore stands for a space within a word.
func words(s string) []string {
	list := strings.Fields(s)
	for i, w := range list {
		list[i] = strings.ReplaceAll(w, "_", " ")
	}
	return list
}

// ageBands are the first ages of the bands of ages; the last is 90 and over.
var ageBands = [...]int{0, 5, 12, 18, 25, 35, 45, 55, 65, 75, 85, 100}

// innerAges and outerAges are the percent of residents in each band, of inner
// and outer boroughs. Rounded from Census 2021, table TS007.
var (
	innerAges = [...]float64{5.4, 6.9, 5.7, 10.5, 23.5, 16.5, 12.8, 9.9, 5.0, 2.7, 1.1}
	outerAges = [...]float64{6.0, 8.8, 7.4, 7.0, 12.9, 14.7, 13.6, 12.3, 8.8, 5.9, 2.6}
)

// ageShare is the share of band i among the residents of b.
func (b *Borough) ageShare(i int) float64 {
	return (innerAges[i]*b.Inner + outerAges[i]*(1-b.Inner)) / 100
}
