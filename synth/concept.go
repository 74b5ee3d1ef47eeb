package synth

// concept is a clinical idea with its words and codes. SNOMED CT codes were
// looked up; a test holds each to its check digit. ICD-10 is for hospitals.
type concept struct {
	sct, term, icd string
}

// Problems, symptoms and procedures that stories tell of.
var (
	cHypertension  = &concept{"59621000", "Essential hypertension", "I10"}
	cObesity       = &concept{"414916001", "Obesity", "E66.9"}
	cType2         = &concept{"44054006", "Type 2 diabetes mellitus", "E11.9"}
	cType1         = &concept{"46635009", "Type 1 diabetes mellitus", "E10.9"}
	cRetinopathy   = &concept{"312903003", "Mild nonproliferative retinopathy due to diabetes mellitus", "H36.0"}
	cAsthma        = &concept{"195967001", "Asthma", "J45.9"}
	cAsthmaAttack  = &concept{"281239006", "Exacerbation of asthma", "J45.9"}
	cCOPD          = &concept{"13645005", "Chronic obstructive pulmonary disease", "J44.9"}
	cCOPDAttack    = &concept{"195951007", "Acute exacerbation of chronic obstructive airways disease", "J44.1"}
	cCHD           = &concept{"53741008", "Coronary heart disease", "I25.1"}
	cNSTEMI        = &concept{"401314000", "Acute non-ST segment elevation myocardial infarction", "I21.4"}
	cSTEMI         = &concept{"401303003", "Acute ST segment elevation myocardial infarction", "I21.3"}
	cAF            = &concept{"49436004", "Atrial fibrillation", "I48.9"}
	cHF            = &concept{"84114007", "Heart failure", "I50.9"}
	cAcuteHF       = &concept{"56675007", "Acute heart failure", "I50.9"}
	cStroke        = &concept{"422504002", "Ischaemic stroke", "I63.9"}
	cTIA           = &concept{"266257000", "Transient ischaemic attack", "G45.9"}
	cPAD           = &concept{"840580004", "Peripheral arterial disease", "I73.9"}
	cCKD3a         = &concept{"700378005", "Chronic kidney disease stage 3A", "N18.3"}
	cCKD3b         = &concept{"700379002", "Chronic kidney disease stage 3B", "N18.3"}
	cCKD4          = &concept{"431857002", "Chronic kidney disease stage 4", "N18.4"}
	cAKI           = &concept{"14669001", "Acute kidney injury", "N17.9"}
	cAlzheimer     = &concept{"26929004", "Alzheimer's disease", "G30.9"}
	cVascular      = &concept{"429998004", "Vascular dementia", "F01.9"}
	cDelirium      = &concept{"2776000", "Delirium", "F05.9"}
	cDepression    = &concept{"35489007", "Depressive disorder", "F32.9"}
	cSevereDep     = &concept{"310497006", "Severe depression", "F32.2"}
	cAnxiety       = &concept{"21897009", "Generalised anxiety disorder", "F41.1"}
	cSchizophrenia = &concept{"58214004", "Schizophrenia", "F20.9"}
	cBipolar       = &concept{"13746004", "Bipolar disorder", "F31.9"}
	cPsychosis     = &concept{"69322001", "Psychotic disorder", "F29"}
	cSuicidal      = &concept{"6471006", "Suicidal thoughts", "R45.8"}
	cEpilepsy      = &concept{"84757009", "Epilepsy", "G40.9"}
	cSeizure       = &concept{"91175000", "Seizure", "R56.8"}
	cLD            = &concept{"110359009", "Learning disability", "F79.9"}
	cRA            = &concept{"69896004", "Rheumatoid arthritis", "M06.9"}
	cOsteoporosis  = &concept{"64859006", "Osteoporosis", "M81.9"}
	cOA            = &concept{"396275006", "Osteoarthritis", "M19.9"}
	cKneeOA        = &concept{"239873007", "Osteoarthritis of knee", "M17.9"}
	cBreast        = &concept{"254837009", "Malignant neoplasm of breast", "C50.9"}
	cProstate      = &concept{"399068003", "Malignant tumour of prostate", "C61"}
	cBowel         = &concept{"363406005", "Malignant neoplasm of colon", "C18.9"}
	cLung          = &concept{"363358000", "Malignant tumour of lung", "C34.9"}
	cHypothyroid   = &concept{"40930008", "Hypothyroidism", "E03.9"}
	cMigraine      = &concept{"37796009", "Migraine", "G43.9"}
	cEczema        = &concept{"24079001", "Atopic dermatitis", "L20.9"}
	cPsoriasis     = &concept{"9014002", "Psoriasis", "L40.9"}
	cSickle        = &concept{"127040003", "Sickle cell-haemoglobin SS disease", "D57.1"}
	cSickleCrisis  = &concept{"417425009", "Sickle cell crisis", "D57.0"}
	cParkinson     = &concept{"49049000", "Parkinson's disease", "G20"}
	cMS            = &concept{"24700007", "Multiple sclerosis", "G35"}
	cHIV           = &concept{"86406008", "Human immunodeficiency virus infection", "B24"}
	cTermination   = &concept{"57797005", "Termination of pregnancy", "O04.9"}
	cChlamydia     = &concept{"240589008", "Chlamydial infection", "A56.8"}
	cOpioid        = &concept{"75544000", "Opioid dependence", "F11.2"}
	cMildFrailty   = &concept{"925791000000100", "Mild frailty", "R54"}
	cModFrailty    = &concept{"925831000000107", "Moderate frailty", "R54"}
	cSevereFrailty = &concept{"925861000000102", "Severe frailty", "R54"}
	cIDA           = &concept{"87522002", "Iron deficiency anaemia", "D50.9"}
	cPregnancy     = &concept{"77386006", "Pregnant", "Z33"}
	cGDM           = &concept{"11687002", "Gestational diabetes mellitus", "O24.4"}
	cDelivery      = &concept{"177184002", "Normal delivery", "O80.9"}
	cCaesarean     = &concept{"11466000", "Caesarean section", "O82.9"}
	cLiveBirth     = &concept{"169826009", "Single live birth", "Z38.0"}
	cPalliative    = &concept{"103735009", "Palliative care", "Z51.5"}

	cURTI           = &concept{"54150009", "Upper respiratory infection", "J06.9"}
	cTonsillitis    = &concept{"17741008", "Acute tonsillitis", "J03.9"}
	cOtitis         = &concept{"65363002", "Otitis media", "H66.9"}
	cBronchitis     = &concept{"10509002", "Acute bronchitis", "J20.9"}
	cUTI            = &concept{"68566005", "Urinary tract infection", "N39.0"}
	cCellulitis     = &concept{"128045006", "Cellulitis", "L03.9"}
	cBackPain       = &concept{"279039007", "Low back pain", "M54.5"}
	cHeadache       = &concept{"25064002", "Headache", "R51"}
	cConjunctivitis = &concept{"9826008", "Conjunctivitis", "H10.9"}
	cDyspepsia      = &concept{"235595009", "Gastro-oesophageal reflux disease", "K21.9"}
	cGastro         = &concept{"25374005", "Gastroenteritis", "A09"}
	cRash           = &concept{"271807003", "Rash", "R21"}
	cChickenpox     = &concept{"38907003", "Chickenpox", "B01.9"}
	cCovid          = &concept{"840539006", "COVID-19", "U07.1"}
	cPneumonia      = &concept{"233604007", "Pneumonia", "J18.9"}
	cChestPain      = &concept{"29857009", "Chest pain", "R07.4"}
	cAbdominalPain  = &concept{"21522001", "Abdominal pain", "R10.4"}
	cSyncope        = &concept{"271594007", "Syncope", "R55"}
	cSepsis         = &concept{"91302008", "Sepsis", "A41.9"}
	cHipFracture    = &concept{"5913000", "Fracture of neck of femur", "S72.0"}
	cFall           = &concept{"217082002", "Accidental fall", "W19"}
	cSprain         = &concept{"44465007", "Sprain of ankle", "S93.4"}
	cFracture       = &concept{"125605004", "Fracture of bone", "T14.2"}
	cAppendicitis   = &concept{"74400008", "Appendicitis", "K37"}
	cGallstones     = &concept{"235919008", "Gallstone", "K80.2"}
	cHernia         = &concept{"396232000", "Inguinal hernia", "K40.9"}
	cCataract       = &concept{"193570009", "Cataract", "H26.9"}
	cBronchiolitis  = &concept{"4120002", "Bronchiolitis", "J21.9"}
	cCroup          = &concept{"71186008", "Croup", "J05.0"}
	cDKA            = &concept{"420422005", "Ketoacidosis due to diabetes mellitus", "E10.1"}
	cDyspnoea       = &concept{"267036007", "Shortness of breath", "R06.0"}

	cAppendicectomy  = &concept{"80146002", "Appendicectomy", "H01"}
	cCholecystectomy = &concept{"38102005", "Cholecystectomy", "J18"}
	cHipReplacement  = &concept{"52734007", "Total hip replacement", "W37"}
	cKneeReplacement = &concept{"609588000", "Total knee replacement", "W40"}
	cColonoscopy     = &concept{"73761001", "Colonoscopy", "H22"}
	cPCI             = &concept{"415070008", "Percutaneous coronary intervention", "K75"}
	cCataractOp      = &concept{"54885007", "Cataract extraction", "C71"}
	cHerniaRepair    = &concept{"44558001", "Repair of inguinal hernia", "T20"}
)

// sensitive are the classes of problems whose records are restricted, by the
// region's label.
var sensitive = map[*concept]string{cHIV: "hiv-sti", cTermination: "termination", cChlamydia: "sexual-health", cOpioid: "substance-misuse"}

// drug is a medicine as it is prescribed. Its code is that of the product in
// the dictionary of medicines and devices where one was looked up, else that
// of the substance in SNOMED CT, which then is named.
type drug struct {
	code, substance string
	name            string
	dose            string
	times           int    // a day; 0 as needed
	amount          string // of one dose: number
	unit            string // and UCUM unit or form
	quantity        string
}

var (
	dRamipril5   = &drug{"386872004", "Ramipril", "Ramipril 5mg capsules", "One capsule daily", 1, "5", "mg", "28 capsule"}
	dRamipril25  = &drug{"386872004", "Ramipril", "Ramipril 2.5mg capsules", "One capsule daily", 1, "2.5", "mg", "28 capsule"}
	dAmlodipine  = &drug{"386864001", "Amlodipine", "Amlodipine 5mg tablets", "One tablet daily", 1, "5", "mg", "28 tablet"}
	dAmlodipine1 = &drug{"386864001", "Amlodipine", "Amlodipine 10mg tablets", "One tablet daily", 1, "10", "mg", "28 tablet"}
	dLosartan    = &drug{"373567002", "Losartan", "Losartan 50mg tablets", "One tablet daily", 1, "50", "mg", "28 tablet"}
	dBisoprolol  = &drug{"386868003", "Bisoprolol", "Bisoprolol 2.5mg tablets", "One tablet in the morning", 1, "2.5", "mg", "28 tablet"}
	dFurosemide  = &drug{"317972000", "", "Furosemide 40mg tablets", "One tablet in the morning", 1, "40", "mg", "28 tablet"}
	dFurosemide8 = &drug{"317972000", "", "Furosemide 40mg tablets", "Two tablets in the morning", 1, "80", "mg", "56 tablet"}
	dSpirono     = &drug{"387078006", "Spironolactone", "Spironolactone 25mg tablets", "One tablet daily", 1, "25", "mg", "28 tablet"}
	dDapa        = &drug{"703680009", "", "Dapagliflozin 10mg tablets", "One tablet daily", 1, "10", "mg", "28 tablet"}
	dApixaban    = &drug{"698090000", "Apixaban", "Apixaban 5mg tablets", "One tablet twice a day", 2, "5", "mg", "56 tablet"}
	dWarfarin    = &drug{"372756006", "Warfarin", "Warfarin 1mg tablets", "As directed, by INR", 1, "", "", "28 tablet"}
	dAspirin     = &drug{"387458008", "Aspirin", "Aspirin 75mg dispersible tablets", "One tablet daily", 1, "75", "mg", "28 tablet"}
	dClopidogrel = &drug{"386952008", "Clopidogrel", "Clopidogrel 75mg tablets", "One tablet daily", 1, "75", "mg", "28 tablet"}
	dAtorva20    = &drug{"373444002", "Atorvastatin", "Atorvastatin 20mg tablets", "One tablet at night", 1, "20", "mg", "28 tablet"}
	dAtorva80    = &drug{"373444002", "Atorvastatin", "Atorvastatin 80mg tablets", "One tablet at night", 1, "80", "mg", "28 tablet"}
	dMetformin   = &drug{"325278007", "", "Metformin 500mg tablets", "Two tablets twice a day with food", 2, "1000", "mg", "112 tablet"}
	dGlargine    = &drug{"400780006", "", "Insulin glargine 100units/ml solution for injection 3ml cartridges", "As directed, once a day", 1, "", "", "5 cartridge"}
	dSalbutamol  = &drug{"39113611000001102", "", "Salbutamol 100micrograms/dose inhaler CFC free", "Two puffs when needed", 0, "2", "puff", "1 inhaler"}
	dClenil      = &drug{"116574000", "Beclometasone", "Beclometasone 100micrograms/dose inhaler CFC free", "Two puffs twice a day", 2, "2", "puff", "1 inhaler"}
	dTiotropium  = &drug{"", "", "Tiotropium bromide 2.5micrograms/dose inhaler", "Two puffs once a day", 1, "2", "puff", "1 inhaler"}
	dPrednisolon = &drug{"325427002", "", "Prednisolone 5mg tablets", "Six tablets in the morning for 5 days", 1, "30", "mg", "30 tablet"}
	dSertraline  = &drug{"372594008", "Sertraline", "Sertraline 50mg tablets", "One tablet daily", 1, "50", "mg", "28 tablet"}
	dSertraline1 = &drug{"372594008", "Sertraline", "Sertraline 100mg tablets", "One tablet daily", 1, "100", "mg", "28 tablet"}
	dCitalopram  = &drug{"321987003", "", "Citalopram 20mg tablets", "One tablet daily", 1, "20", "mg", "28 tablet"}
	dMirtazapine = &drug{"386847004", "Mirtazapine", "Mirtazapine 15mg tablets", "One tablet at night", 1, "15", "mg", "28 tablet"}
	dOlanzapine  = &drug{"386849001", "Olanzapine", "Olanzapine 10mg tablets", "One tablet at night", 1, "10", "mg", "28 tablet"}
	dLithium     = &drug{"", "", "Lithium carbonate 400mg modified-release tablets", "Two tablets at night", 1, "800", "mg", "56 tablet"}
	dDonepezil   = &drug{"386855006", "Donepezil", "Donepezil 10mg tablets", "One tablet at night", 1, "10", "mg", "28 tablet"}
	dLevetir     = &drug{"387000003", "Levetiracetam", "Levetiracetam 500mg tablets", "One tablet twice a day", 2, "500", "mg", "56 tablet"}
	dLamotrigine = &drug{"387562000", "Lamotrigine", "Lamotrigine 100mg tablets", "One tablet twice a day", 2, "100", "mg", "56 tablet"}
	dMethotrexat = &drug{"387381009", "Methotrexate", "Methotrexate 2.5mg tablets", "Six tablets once a week, on the same day", 0, "15", "mg", "24 tablet"}
	dFolic       = &drug{"63718003", "Folic acid", "Folic acid 5mg tablets", "One tablet once a week, not on the methotrexate day", 0, "5", "mg", "4 tablet"}
	dAlendronate = &drug{"", "", "Alendronic acid 70mg tablets", "One tablet once a week", 0, "70", "mg", "4 tablet"}
	dLevothyrox  = &drug{"710809001", "Levothyroxine", "Levothyroxine sodium 100microgram tablets", "One tablet in the morning", 1, "100", "ug", "28 tablet"}
	dTamoxifen   = &drug{"373345002", "Tamoxifen", "Tamoxifen 20mg tablets", "One tablet daily", 1, "20", "mg", "28 tablet"}
	dOmeprazole  = &drug{"387137007", "Omeprazole", "Omeprazole 20mg gastro-resistant capsules", "One capsule daily", 1, "20", "mg", "28 capsule"}
	dCoBeneldopa = &drug{"", "", "Co-beneldopa 25mg/100mg capsules", "One capsule three times a day", 3, "1", "capsule", "84 capsule"}
	dPenV        = &drug{"372725003", "Phenoxymethylpenicillin", "Phenoxymethylpenicillin 250mg tablets", "One tablet twice a day", 2, "250", "mg", "56 tablet"}
	dHydroxy     = &drug{"", "", "Hydroxycarbamide 500mg capsules", "Two capsules daily", 1, "1000", "mg", "56 capsule"}
	dBiktarvy    = &drug{"", "", "Bictegravir 50mg / Emtricitabine 200mg / Tenofovir alafenamide 25mg tablets", "One tablet daily", 1, "1", "tablet", "30 tablet"}
	dIron        = &drug{"", "", "Ferrous sulfate 200mg tablets", "One tablet daily", 1, "200", "mg", "28 tablet"}
	dSumatriptan = &drug{"", "", "Sumatriptan 50mg tablets", "One tablet when needed, at the start of an attack", 0, "50", "mg", "6 tablet"}
	dEmollient   = &drug{"", "", "White soft paraffin 50% / Liquid paraffin 50% ointment", "Apply when needed", 0, "", "", "500 g"}

	dMethadone   = &drug{"", "", "Methadone 1mg/ml oral solution sugar free", "60 ml once a day, supervised", 1, "60", "mg", "420 ml"}
	dAdalimumab  = &drug{"", "", "Adalimumab 40mg/0.4ml solution for injection pre-filled pens", "One injection under the skin every two weeks", 0, "40", "mg", "2 pen"}
	dOcrelizumab = &drug{"", "", "Ocrelizumab 300mg/10ml solution for infusion vials", "An infusion every six months, in hospital", 0, "600", "mg", "2 vial"}

	dAmoxSyrup    = &drug{"", "", "Amoxicillin 250mg/5ml oral suspension sugar free", "One 5 ml spoonful three times a day", 3, "5", "ml", "100 ml"}
	dPenVSyrup    = &drug{"", "", "Phenoxymethylpenicillin 125mg/5ml oral solution sugar free", "One 5 ml spoonful four times a day", 4, "5", "ml", "100 ml"}
	dClarithSyrup = &drug{"", "", "Clarithromycin 125mg/5ml oral suspension", "One 5 ml spoonful twice a day", 2, "5", "ml", "70 ml"}
	dPredSoluble  = &drug{"", "", "Prednisolone 5mg soluble tablets", "Four tablets in the morning for 3 days", 1, "20", "mg", "12 tablet"}
	dLevetirSyrup = &drug{"", "", "Levetiracetam 100mg/ml oral solution sugar free", "2.5 ml twice a day", 2, "2.5", "ml", "150 ml"}
	dParaSyrup    = &drug{"", "", "Paracetamol 120mg/5ml oral suspension paediatric", "One to two 5 ml spoonfuls up to four times a day when needed", 0, "5", "ml", "100 ml"}

	dAmoxicillin  = &drug{"39732411000001106", "", "Amoxicillin 500mg capsules", "One capsule three times a day", 3, "500", "mg", "15 capsule"}
	dDoxycycline  = &drug{"41948311000001104", "", "Doxycycline 100mg capsules", "Two capsules on the first day, then one daily", 1, "100", "mg", "8 capsule"}
	dClarithro    = &drug{"41946511000001109", "", "Clarithromycin 500mg tablets", "One tablet twice a day", 2, "500", "mg", "10 tablet"}
	dFluclox      = &drug{"39692211000001107", "", "Flucloxacillin 500mg capsules", "One capsule four times a day", 4, "500", "mg", "28 capsule"}
	dNitrofur     = &drug{"", "", "Nitrofurantoin 100mg modified-release capsules", "One capsule twice a day", 2, "100", "mg", "6 capsule"}
	dParacetamol  = &drug{"322236009", "", "Paracetamol 500mg tablets", "Two tablets up to four times a day when needed", 0, "1000", "mg", "32 tablet"}
	dIbuprofen    = &drug{"329653008", "", "Ibuprofen 400mg tablets", "One tablet three times a day with food", 3, "400", "mg", "24 tablet"}
	dCodeine      = &drug{"322503009", "", "Codeine 30mg tablets", "One tablet up to four times a day when needed", 0, "30", "mg", "28 tablet"}
	dChlorampheni = &drug{"", "", "Chloramphenicol 1% eye ointment", "Apply four times a day", 4, "", "", "4 g"}
	dMorphine     = &drug{"36126511000001106", "", "Morphine 10mg modified-release tablets", "One tablet twice a day", 2, "10", "mg", "56 tablet"}
	dMidazolam    = &drug{"373476007", "Midazolam", "Midazolam 10mg/2ml solution for injection ampoules", "2.5 to 5 mg under the skin when needed for agitation", 0, "2.5", "mg", "10 ampoule"}
)

// penicillins are those that an allergy to penicillin rules out.
var penicillins = map[*drug]bool{dAmoxicillin: true, dFluclox: true, dPenV: true, dAmoxSyrup: true, dPenVSyrup: true}

// paediatric are what is given below twelve instead.
var paediatric = map[*drug]*drug{dAmoxicillin: dAmoxSyrup, dPenV: dPenVSyrup, dClarithro: dClarithSyrup, dPrednisolon: dPredSoluble, dLevetir: dLevetirSyrup, dLamotrigine: dLevetirSyrup, dParacetamol: dParaSyrup,
	dIbuprofen: dParaSyrup, dSumatriptan: dParaSyrup}

// hospitalOnly are prescribed by hospitals, and known to practices.
var hospitalOnly = map[*drug]bool{dAdalimumab: true, dOcrelizumab: true, dBiktarvy: true}

// allergen is what somebody is allergic to, with what it does to them.
type allergen struct {
	sct, term string // the allergy
	substance string // as a hospital system names it
	reactions []concept
	category  string
}

var (
	rRash        = concept{"271807003", "Rash", ""}
	rUrticaria   = concept{"126485001", "Urticaria", ""}
	rAnaphylaxis = concept{"39579001", "Anaphylaxis", ""}
	rAngioedema  = concept{"41291007", "Angioedema", ""}
	rNausea      = concept{"422587007", "Nausea", ""}

	aPenicillin = &allergen{"91936005", "Allergy to penicillin", "Penicillin", []concept{rRash, rRash, rUrticaria, rAnaphylaxis}, "medication"}
	aAspirin    = &allergen{"293586001", "Allergy to aspirin", "Aspirin", []concept{rUrticaria, rAngioedema}, "medication"}
	aPeanut     = &allergen{"91935009", "Allergy to peanut", "Peanut", []concept{rUrticaria, rAnaphylaxis}, "food"}
	aEgg        = &allergen{"91930004", "Allergy to egg", "Egg", []concept{rUrticaria, rRash}, "food"}
	aErythro    = &allergen{"91931000", "Allergy to erythromycin", "Erythromycin", []concept{rNausea, rRash}, "medication"}
	aLatex      = &allergen{"300916003", "Allergy to latex", "Latex", []concept{rRash, rUrticaria}, "environment"}
)

const (
	noKnownAllergy = "716186003" // No known allergy (situation)
	sctSystem      = "http://snomed.info/sct"
	icdSystem      = "http://hl7.org/fhir/sid/icd-10"
	ucumSystem     = "http://unitsofmeasure.org"
)
