package synth

// naming is a tradition of names: what people of a background are called, by
// sex and by when they were born. Lists are short and of common names only.
type naming struct {
	women, men [3][]string // born before 1955, before 1985, since
	surnames   []string
	language   string // main language of those who do not speak English well, ISO 639-1
	speakLess  float64
}

// era is the list that a year of birth takes its names from.
func era(year int) int {
	switch {
	case year < 1955:
		return 0
	case year < 1985:
		return 1
	}
	return 2
}

func three(a, b, c string) [3][]string { return [3][]string{words(a), words(b), words(c)} }

func one(a string) [3][]string { w := words(a); return [3][]string{w, w, w} }

var (
	english = &naming{
		women: three("Margaret Jean Doreen Joan Patricia Sheila Maureen Barbara Pamela Brenda Sylvia Eileen Audrey Rita Jacqueline",
			"Susan Deborah Karen Julie Sarah Nicola Alison Tracey Helen Claire Michelle Samantha Lisa Joanne Rachel Emma",
			"Charlotte Emily Olivia Amelia Chloe Jessica Sophie Megan Isla Grace Poppy Freya Lily Ava Florence Ellie"),
		men: three("John Ronald Dennis Kenneth Peter Brian Derek Raymond Alan Terence Roy Leonard Michael Stanley Gordon",
			"David Paul Mark Andrew Stephen Ian Gary Simon Richard Jonathan Darren Matthew Christopher Lee Robert Stuart",
			"Oliver Jack Harry George Charlie Thomas James Alfie Joshua Freddie Archie Leo Noah Henry Oscar Theo"),
		surnames: words("Smith Jones Taylor Brown Williams Wilson Johnson Davies Wright Evans Thompson Walker White Roberts Green Hall Wood Jackson Clarke Harris Turner Cooper Hill Ward Moore King Baker Harrison Morris Allen Scott Cook Bailey Parker Bennett Carter Mitchell Shaw Marsh Fletcher Dawson Newman Perry Barker Saunders Pearce")}
	irish = &naming{
		women: three("Bridget Kathleen Mary Nora Eileen Philomena", "Siobhan Bernadette Geraldine Sinead Aoife Maeve", "Niamh Ciara Saoirse Roisin Orla Clodagh"),
		men:   three("Patrick Michael Daniel Thomas Joseph Cornelius", "Sean Declan Brendan Kevin Eamon Conor", "Cian Oisin Finn Ronan Darragh Eoin"), surnames: words("Murphy O'Brien Kelly Walsh Byrne Ryan O'Connor McCarthy Doyle Gallagher Doherty Kennedy O'Sullivan Nolan")}
	polish = &naming{women: one("Agnieszka Katarzyna Joanna Magdalena Zofia Aleksandra Monika Ewa Maja"), men: one("Piotr Tomasz Krzysztof Paweł Jakub Marek Michał Filip Andrzej"),
		surnames: words("Nowak Kowalski Wiśniewski Wójcik Kamiński Lewandowski Zieliński Mazur"), language: "pl", speakLess: .15}
	iberian = &naming{women: one("Maria Ana Carmen Luz Isabel Sofia Daniela Beatriz Valentina Camila"), men: one("José Carlos Manuel Luis João Diego Miguel Santiago Rafael Mateo"),
		surnames: words("Garcia Rodrigues Silva Martínez González Pereira Ferreira López Gómez Santos Ramírez Oliveira"), language: "es", speakLess: .22}
	continental = &naming{women: one("Giulia Chiara Camille Elena Ioana Andreea Anna Katerina Hannah Mette"), men: one("Marco Luca Antoine Nicolas Andrei Mihai Stefan Georgios Lukas Jonas"),
		surnames: words("Rossi Bianchi Martin Bernard Popescu Ionescu Müller Papadopoulos Horváth Ivanov Novák Andersen"), language: "ro", speakLess: .08}
	turkish   = &naming{women: one("Ayşe Fatma Emine Zeynep Elif Hatice Sevgi"), men: one("Mehmet Mustafa Ahmet Ali Hasan Emre Yusuf"), surnames: words("Yılmaz Kaya Demir Çelik Şahin Aydın Öztürk"), language: "tr", speakLess: .25}
	caribbean = &naming{
		women: three("Icilda Merlene Gloria Hyacinth Verona Pearl Sylvia Myrtle Beverley", "Sharon Marcia Yvonne Michelle Jennifer Donna Paulette Natalie", "Shanice Jada Tiana Kezia Aaliyah Imani Naomi Chantelle"),
		men:   three("Winston Clifton Neville Vincent Lloyd Egbert Delroy Cecil", "Trevor Errol Courtney Leroy Anthony Marlon Wayne Devon", "Tyrone Jermaine Malachi Tyrell Kai Isaiah Jordan Micah"), surnames: words("Campbell Brown Williams Grant Francis Gordon Reid Henry Morgan Bailey Powell Stewart Lewis Thomas Morrison Barrett Dacosta Bogle")}
	nigerian = &naming{women: three("Folasade Abimbola Ngozi Comfort Adebisi Grace Florence", "Folake Ngozi Adaeze Yetunde Chioma Bukola Funmilayo Kehinde", "Temiloluwa Chidinma Oluwaseun Adanna Ebunoluwa Zara Simisola Ifeoma"),
		men:      three("Samuel Emmanuel Adebayo Chukwuemeka Olusegun Joseph", "Oluwole Babatunde Chinedu Emeka Tunde Ayodele Obinna Kayode", "Oluwadamilola Tobi Chidera Ayomide David Ikenna Femi Daniel"),
		surnames: words("Adeyemi Okafor Ogunleye Adebayo Okonkwo Balogun Eze Oyelaran Nwosu Afolabi Olawale Ibrahim Akinola Nnamdi Bello Obi"), language: "yo", speakLess: .1}
	ghanaian = &naming{women: one("Akosua Abena Ama Efua Adwoa Esi Yaa Gifty Mercy"), men: one("Kwame Kofi Kwabena Yaw Kwaku Ebenezer Isaac Samuel"), surnames: words("Mensah Owusu Boateng Asante Osei Appiah Agyeman Amoah Addo Frimpong"), language: "ak", speakLess: .1}
	somali   = &naming{women: one("Fatima Hodan Amina Khadija Sahra Ifrah Asha Hibaq Selam Mariama"), men: one("Mohamed Abdi Ahmed Hassan Yusuf Abdirahman Ismail Dawit Alusine"), surnames: words("Ali Hassan Mohamed Abdi Warsame Farah Nur Kamara Sesay Tesfaye Conteh"), language: "so", speakLess: .25}
	indian   = &naming{women: three("Savitri Kamala Pushpa Surinder Lakshmi Sushila", "Sunita Anita Meena Rekha Gurpreet Jyoti Kavita", "Priya Anjali Diya Aisha Simran Ananya Riya"),
		men: three("Harbhajan Ramesh Mohan Balwinder Suresh Natwarlal", "Sanjay Rajesh Sunil Harpreet Anil Vijay Manish", "Arjun Rohan Aarav Karan Vikram Dev Nikhil"), surnames: words("Patel Singh Kaur Sharma Shah Gill Kumar Desai Mehta Nair Reddy Joshi"), language: "gu", speakLess: .12}
	muslimAsian = &naming{women: three("Nasreen Khadija Rokeya Zubeda Hasina Shamim", "Shabana Farzana Rehana Nazma Tahira Yasmin", "Aisha Zainab Maryam Hafsa Sumaya Iqra"),
		men: three("Abdul Mohammed Nazir Ghulam Mohammad Karim", "Imran Khalid Shahid Tariq Rafiq Zahid", "Hamza Ibrahim Yusuf Zayn Bilal Adam"), surnames: words("Khan Ahmed Hussain Begum Ali Rahman Malik Akhtar Chowdhury Miah Uddin Iqbal"), language: "bn", speakLess: .2}
	tamil      = &naming{women: one("Kavitha Priyanka Sivakamy Tharani Maryrose Rosalind Sushma Bimala"), men: one("Sivakumar Rajan Suthan Nimal Ramon Jerome Bishnu Prakash"), surnames: words("Sivanesan Rajaratnam Perera Fernando Santos Cruz Gurung Rai Thapa Kandiah"), language: "ta", speakLess: .18}
	chinese    = &naming{women: one("Mei Li Xiaoyan Yan Hui Ling Jing Wai-Ling"), men: one("Wei Jun Ming Hao Chi-Keung Ho Jian Lei"), surnames: words("Chen Wang Li Zhang Liu Wong Chan Lam Cheung Ng"), language: "zh", speakLess: .25}
	vietnamese = &naming{women: one("Thi_Lan Thi_Hoa Linh Mai Huong Thao"), men: one("Van_Minh Hung Duc Tuan Quang Nam"), surnames: words("Nguyen Tran Le Pham Huynh Vo"), language: "vi", speakLess: .35}
	arab       = &naming{women: one("Layla Noor Huda Samira Rania Mona Zahra"), men: one("Omar Khaled Youssef Tarek Karim Reza Sami"), surnames: words("Haddad Mansour Saleh El-Sayed Nasser Hosseini Aziz Benali"), language: "ar", speakLess: .25}
)

// namings are the traditions that people of an ethnic category may follow.
var namings = map[byte][]*naming{'A': {english}, 'B': {irish}, 'C': {polish, iberian, continental, continental, turkish}, 'D': {english, caribbean}, 'E': {english, nigerian},
	'F': {english, indian}, 'G': {english, iberian, continental, caribbean}, 'H': {indian}, 'J': {muslimAsian}, 'K': {muslimAsian}, 'L': {tamil, tamil, vietnamese},
	'M': {caribbean}, 'N': {nigerian, nigerian, ghanaian, somali}, 'P': {nigerian, caribbean}, 'R': {chinese}, 'S': {iberian, arab, vietnamese}, 'Z': {english}}

// languages are the words and, where the UK Edition has one, the code for
// "interpreter needed" of each language that is sent.
var languages = map[string]struct{ name, interpreter string }{"pl": {"Polish", "203901000000102"}, "es": {"Spanish", ""}, "ro": {"Romanian", ""}, "tr": {"Turkish", ""},
	"yo": {"Yoruba", "204241000000105"}, "ak": {"Akan", "203281000000104"}, "so": {"Somali", ""}, "gu": {"Gujarati", "203601000000106"}, "bn": {"Bengali", "203321000000107"},
	"ta": {"Tamil", ""}, "zh": {"Mandarin", "203821000000101"}, "vi": {"Vietnamese", ""}, "ar": {"Arabic", "203311000000101"}, "en": {"English", ""}}

// titles by sex and, of women, whether married is not known: as given.
func title(sex byte, age int, turn int) string {
	switch {
	case age < 16 && sex == 'M':
		return "Master"
	case age < 18:
		return "Miss"
	case sex == 'M':
		return "Mr"
	}
	return [...]string{"Mrs", "Ms", "Miss", "Mrs"}[turn%4]
}

// misspell changes a name the way clerks do: two letters swapped, one left
// out, or one doubled. turn decides which and where.
func misspell(name string, turn int) string {
	r := []rune(name)
	if len(r) < 4 {
		return name + "e"
	}
	i := 1 + turn/3%(len(r)-3)
	switch turn % 3 {
	case 0:
		if r[i] != r[i+1] {
			r[i], r[i+1] = r[i+1], r[i]
			return string(r)
		}
		return string(r[:i]) + string(r[i+1:])
	case 1:
		return string(r[:i]) + string(r[i+1:])
	}
	return string(r[:i+1]) + string(r[i:])
}
