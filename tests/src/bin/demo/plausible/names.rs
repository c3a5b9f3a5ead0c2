//! Names of companies and people.

const FIRST: [&str; 40] = [
    "Amara", "Ben", "Carla", "Daniel", "Elena", "Frank", "Grace", "Hassan", "Irene", "Jonas",
    "Katarina", "Luis", "Maya", "Nathan", "Olivia", "Pavel", "Quinn", "Rosa", "Samuel", "Tara",
    "Umar", "Vera", "Walter", "Ximena", "Yusuf", "Zoe", "Andrew", "Brigitte", "Colin", "Denise",
    "Erik", "Fiona", "George", "Helen", "Ivan", "Judith", "Karl", "Laura", "Marco", "Nina",
];
/// As many that two people of a company have the same name only after 1,480 others.
const LAST: [&str; 37] = [
    "Adams",
    "Becker",
    "Castillo",
    "Dubois",
    "Ellis",
    "Fischer",
    "García",
    "Hughes",
    "Ivanova",
    "Johnson",
    "Kowalski",
    "Larsen",
    "Müller",
    "Novak",
    "Okafor",
    "Patel",
    "Quigley",
    "Rossi",
    "Schmidt",
    "Turner",
    "Ueda",
    "Vargas",
    "Walsh",
    "Xu",
    "Young",
    "Zimmermann",
    "Anderson",
    "Brown",
    "Chen",
    "Davies",
    "Edwards",
    "Foster",
    "Gibson",
    "Hansen",
    "Ito",
    "Jensen",
    "Klein",
];
const FAMILIES: [&str; 40] = [
    "Acme",
    "Blue Heron",
    "Cedar Hill",
    "Delmar",
    "Eastgate",
    "Fairview",
    "Granite State",
    "Harbour Point",
    "Ironwood",
    "Juniper",
    "Kestrel",
    "Lakeside",
    "Maple Leaf",
    "Northgate",
    "Oakridge",
    "Pinecrest",
    "Quarry Road",
    "Riverside",
    "Silver Birch",
    "Three Rivers",
    "Union Square",
    "Valley View",
    "Westbrook",
    "Yorkshire",
    "Baker & Lowe",
    "Carter Brothers",
    "Dietrich",
    "Evans",
    "Fletcher",
    "Gomez",
    "Hartmann",
    "Ingram",
    "Jacobs",
    "Keller",
    "Lindqvist",
    "Morgan",
    "Nielsen",
    "Owens",
    "Preston",
    "Reyes",
];
const TRADES: [&str; 12] = [
    "Manufacturing",
    "Dental Group",
    "Architects",
    "Logistics",
    "Accounting",
    "Law Offices",
    "Foods",
    "Property Management",
    "Veterinary Clinic",
    "Insurance",
    "Engineering",
    "Construction",
];
/// City with state and postal code, and area code.
const CITIES: [(&str, &str, &str); 8] = [
    ("Springfield", "IL 62701", "217"),
    ("Dayton", "OH 45402", "937"),
    ("Albany", "NY 12207", "518"),
    ("Boise", "ID 83702", "208"),
    ("Tulsa", "OK 74103", "918"),
    ("Madison", "WI 53703", "608"),
    ("Portland", "ME 04101", "207"),
    ("Fresno", "CA 93721", "559"),
];
const STREETS: [&str; 5] = [
    "Main Street",
    "Industrial Parkway",
    "Market Street",
    "Oak Avenue",
    "Commerce Drive",
];

/// A client of the MSP.
#[derive(Debug)]
pub(super) struct Company {
    pub(super) name: String,
    pub(super) trade: &'static str,
    pub(super) city: &'static str,
    pub(super) area_code: &'static str,
    pub(super) address: String,
    /// The domain of its e-mail addresses.
    pub(super) domain: String,
    /// What its host names begin with.
    pub(super) prefix: String,
}

impl Company {
    /// No two have the same name.
    pub(super) fn nth(n: usize) -> Self {
        let family = FAMILIES[n % FAMILIES.len()];
        let trade = TRADES[(n / FAMILIES.len() + n) % TRADES.len()];
        let (city, state, area_code) = CITIES[n % CITIES.len()];
        let name = match n / (FAMILIES.len() * TRADES.len()) {
            0 => format!("{family} {trade}"),
            round => format!("{family} {trade} {}", CITIES[round % CITIES.len()].0),
        };
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<String> = words
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let prefix: String = words[0].chars().take(6).collect();
        let street = STREETS[n % STREETS.len()];
        Self {
            address: format!("{} {street}, {city}, {state}", 10 + n * 17 % 890),
            domain: format!("{}.example", words.join("-")),
            prefix: prefix.to_uppercase(),
            name,
            trade,
            city,
            area_code,
        }
    }
}

/// Given and family name of a person at a place in a company.
pub(super) fn person(company: usize, place: usize) -> (&'static str, &'static str) {
    let first = FIRST[(place + company * 7) % FIRST.len()];
    let last = LAST[(company * 3 + place * 5 + place / FIRST.len()) % LAST.len()];
    (first, last)
}

/// The part of an e-mail address before the `@`.
pub(super) fn login(first: &str, last: &str) -> String {
    let text = format!("{first}.{last}").to_lowercase();
    let plain = text.chars().map(|letter| match letter {
        'ë' => 'e',
        'í' => 'i',
        'ü' => 'u',
        other => other,
    });
    plain.collect()
}
