//! Patients who could be recognised: by name, by number, by the day and the bed.
//!
//! Names of staff are no findings: whoever supervises is a part of what a review is about, and a
//! title or a role beside the name tells them apart. A name is told by its capital letter.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    CheckCode, Finding, Read, day_and_bed,
    rules::{Compiled, Hit, Rule, after, always, apply, before, compile, pattern},
};

const NAMED: &str = "This may name a patient. Please leave out the name; what happened can be told without it.";
const NUMBERED: &str = "This looks like the number of a patient's record. Please remove it.";
const DATED: &str =
    "The day together with the bed or ward could tell who the patient was. Please leave one of them out.";

/// The rules on names and numbers; the day and the bed are looked for by sentence.
pub const RULES: &[Rule] = &[
    Rule {
        name: "name_then_bed",
        pattern: r"(?-u:\b)(?:Mr|Mrs|Ms|Miss|Mister|Mama|Mzee|Baba|Madam|Master|Baby|Se[n]ora?|Sra|Don|Dona|Old)\.?\s(?:[A-Z]\.\s?)?(?P<name>[A-Z][a-z'-]{1,30})(?:\s[A-Z][a-z'-]{1,30}){0,2},?\s(?:\(|who\s(?:was|is|lay|had\sbeen)\s|lying\s|lay\s|was\s)?(?:in|from|of|at|on)\s(?:the\s)?(?:bed|cot|crib|cubicle|bay|room|ward|incubator)\s{0,2}(?:no\.?|number|nr\.?|#)?\s{0,2}[A-Z]?[0-9]{1,4}",
        counts: is_no_staff,
        detail: NAMED,
        example: "We dressed the wound of Mr Otieno in bed 4.",
        look_alike: "Mr Otieno, the coordinator, showed us the beds.",
    },
    Rule {
        name: "bed_then_name",
        pattern: r"(?i:(?-u:\b)(?:bed|cot|crib|cubicle|bay|incubator)\s{0,2}(?:no\.?|number|nr\.?|#)?\s{0,2}[a-z]?[0-9]{1,4}[,:(]?\s{0,2}(?:was|is|had|lay|held)?\s{0,2}(?:a\s|the\s|our\s)?(?:patient\s)?)(?P<at>(?:Mr|Mrs|Ms|Miss|Mister|Mama|Mzee|Baba|Madam|Master|Baby|Old)\.?\s[A-Z][a-z'-]{1,30})",
        counts: is_no_staff,
        detail: NAMED,
        example: "In bed 12 lay Mrs Achieng, who was waiting for surgery.",
        look_alike: "At bed 12 Sister Mary showed us how to take a blood pressure.",
    },
    Rule {
        name: "patient_named",
        pattern: r"(?-u:\b)[Pp]atient(?:\s?,|\s?:|\sis|\swas|\s\()?\s(?:(?:called|named|by\sthe\sname\sof)\s)?(?P<at>(?:(?:Mr|Mrs|Ms|Miss|Mister|Mama|Mzee|Baba|Madam|Baby)\.?\s)?(?P<name>[A-Z][a-z'-]{1,30})(?:\s(?P<second>[A-Z][a-z'-]{1,30})){0,2})",
        counts: is_a_persons_name,
        detail: NAMED,
        example: "I presented the patient Maria Lopez on the round.",
        look_alike: "Patient Safety was taught in week one, and each patient Dr Adjei saw was asked.",
    },
    Rule {
        name: "patients_name",
        pattern: r"(?i:(?-u:\b)patient(?:'s|s')?\s(?:first\s|full\s|last\s)?name\s(?:is|was)\s)(?P<at>(?P<name>[A-Z][a-z'-]{1,30})(?:\s(?P<second>[A-Z][a-z'-]{1,30})){0,2})",
        counts: is_a_persons_name,
        detail: NAMED,
        example: "The patient's name was Esther Nyambura.",
        look_alike: "The patient's name was never written on the board.",
    },
    Rule {
        name: "person_named_with_illness",
        pattern: r"(?i:(?-u:\b)(?:woman|man|girl|boy|child|lady|baby|mother|father|infant|toddler|gentleman|farmer|teenager)(?:,|\swho\swas|\swho\sis)?\s(?:called|named|by\sthe\sname\sof)\s)(?P<at>(?P<name>[A-Z][a-z'-]{1,30})(?:\s(?P<second>[A-Z][a-z'-]{1,30})){0,2})",
        counts: is_a_named_ill_person,
        detail: NAMED,
        example: "A girl named Amina was admitted with cerebral malaria.",
        look_alike: "A woman named Rose ran the guest house and cooked for all of us.",
    },
    Rule {
        name: "titled_name_with_illness",
        pattern: r"(?-u:\b)(?P<at>(?:Mr|Mrs|Ms|Miss|Mister|Mama|Mzee|Baba|Madam|Baby)\.?\s(?P<name>[A-Z][a-z'-]{1,30})(?:\s[A-Z][a-z'-]{1,30}){0,2}),?\s(?:who\s)?(?:was\s|is\s|had\s|has\s|had\sbeen\s|came\sin\s|presented\s)?(?:suffer(?:s|ed|ing)\sfrom|diagnosed\swith|admitted\s(?:with|for|to)|with\s(?:an?\s)?(?:severe\s|advanced\s|untreated\s)?(?:malaria|tuberculosis|TB|HIV|AIDS|typhoid|cholera|diabetes|cancer|tumou?r|stroke|fracture|sepsis|pneumonia|wound|burns?|abscess|preeclampsia|hernia|epilepsy)|HIV|an?\s(?:stroke|seizure|miscarriage|caesarean|c-section|abortion|tumou?r|fracture)|died\s(?:of|from|on|during|after)|gave\sbirth|in\slabou?r)",
        counts: is_ill,
        detail: NAMED,
        example: "Mrs Wanjiru was diagnosed with cervical cancer that week.",
        look_alike: "Mr Kamau, the driver, was kind, and Mrs Wanjiru taught us Swahili.",
    },
    Rule {
        name: "name_with_age",
        pattern: r"(?-u:\b)(?P<at>(?P<name>[A-Z][a-z'-]{1,30})(?:\s(?P<second>[A-Z][a-z'-]{1,30})){0,2},?\s\(?(?:an?\s)?[0-9]{1,3}[- ](?:years?|yrs?|months?|weeks?|days?)[- ]old)(?:\s[a-z]{2,20}){0,2}\s(?:woman|man|male|female|boy|girl|patient|mother|child|baby|lady|farmer|with|who\shad|who\scame|who\spresented|infant|primigravida)(?-u:\b)",
        counts: is_a_persons_name,
        detail: NAMED,
        example: "Kofi, a 7-year-old boy with burns, screamed through the dressing.",
        look_alike: "On Monday a 7-year-old boy with burns came in, and Anna, a 22-year-old student, fainted.",
    },
    Rule {
        name: "record_number",
        pattern: r"(?i)(?-u:\b)(?:(?:mrn|medical\srecord|hospital|patient|patient's|file|folder|case|chart|record|admission|registration|inpatient|outpatient|opd|ipd|ip|op|lab|nhif|nhis|insurance|dossier)\s{0,2}(?:file\s|record\s|id\s)?(?:no\.?|number|num\.?|nr\.?|id|#)|mrn|opd|ipd)\s{0,2}(?:is|was|:|=)?\s{0,2}(?P<at>[a-z]{0,4}[-/]?[0-9][0-9/-]{3,20})",
        counts: is_no_year,
        detail: NUMBERED,
        example: "The chart said MRN 00482913.",
        look_alike: "By then I had seen patient number 100, and the clinic is hospital no. 12 of the county.",
    },
    Rule {
        name: "initials_with_bed",
        pattern: r"(?-u:\b)(?i:patient)\s(?P<at>[A-Z]\.\s?[A-Z]\.?)\s?,?\s?(?:in|from|of|at|on)\s(?:the\s)?(?:bed|cot|cubicle|bay|room|ward)\s{0,2}(?:no\.?|number|#)?\s{0,2}[0-9]{1,4}",
        counts: always,
        detail: NAMED,
        example: "Patient J.O. in bed 9 waited for two days.",
        look_alike: "The patient in bed 9 waited for two days.",
    },
];

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| compile(RULES));

/// Finds patients who could be recognised.
#[must_use]
pub fn find(parts: &[Read<'_>]) -> Vec<Finding> {
    let mut findings = apply(CheckCode::IdentifiablePatient, &COMPILED, parts);
    for read in parts {
        let dated = day_and_bed::find(read.folded.as_str()).into_iter();
        findings.extend(dated.map(|range| read.finding(CheckCode::IdentifiablePatient, range, DATED)));
    }
    findings
}

/// Words that make whoever bears the name staff or a companion.
const STAFF: &str = r"(?i)(?-u:\b)(?:surgeon|consultant|nurse|midwife|matron|coordinator|co-ordinator|driver|guide|host|teacher|translator|interpreter|manager|director|doctor|officer|physician|registrar|resident|intern|student|volunteer|supervisor|administrator|receptionist|cleaner|cook|owner|technician|pharmacist|anaesthetist|anesthetist|anesthesiologist|physiotherapist|tutor|lecturer|preceptor|in[ -]charge|head\sof|counsellor|radiographer|assistant)(?-u:\b)";

static STAFF_AFTER: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"^,?\s?(?:\(|-\s?|who\s(?:is|was)\s|is\s|was\s)?(?:[a-z]+\s){{0,4}}{STAFF}")));
static STAFF_BEFORE: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"{STAFF},?\s$")));

/// Neither behind the name nor before it stands a role of staff.
fn is_no_staff(hit: &Hit<'_>) -> bool {
    let named = hit.range();
    let behind_name = hit.groups.name("name").map_or(named.end, |name| name.end());
    !STAFF_AFTER.is_match(hit.after(60))
        && !STAFF_AFTER.is_match(after(hit.text, behind_name, 60))
        && !STAFF_BEFORE.is_match(before(hit.text, named.start, 30))
}

/// Where somebody comes from is no name ("my patient was Kenyan").
const ORIGINS: &[&str] = &[
    "american",
    "asian",
    "bolivian",
    "brazilian",
    "british",
    "cambodian",
    "chinese",
    "christian",
    "congolese",
    "ecuadorian",
    "ethiopian",
    "european",
    "ghanaian",
    "guatemalan",
    "haitian",
    "hindu",
    "indian",
    "indonesian",
    "kenyan",
    "kikuyu",
    "luo",
    "maasai",
    "malawian",
    "mayan",
    "mexican",
    "muslim",
    "nepalese",
    "nepali",
    "nigerian",
    "peruvian",
    "quechua",
    "rwandan",
    "somali",
    "tanzanian",
    "thai",
    "togolese",
    "ugandan",
    "vietnamese",
    "zambian",
    "zimbabwean",
];

/// Capitalised words that are no names of patients where one could stand: titles of staff, days,
/// months, languages, beginnings of sentences, and what follows "Patient" in a heading.
const NO_NAMES: &[&str] = &[
    "a",
    "access",
    "administration",
    "advocacy",
    "after",
    "africa",
    "african",
    "all",
    "also",
    "and",
    "april",
    "arabic",
    "as",
    "assessment",
    "assistance",
    "association",
    "at",
    "august",
    "autonomy",
    "because",
    "before",
    "but",
    "by",
    "care",
    "centered",
    "centred",
    "charter",
    "communication",
    "confidentiality",
    "consent",
    "contact",
    "data",
    "december",
    "despite",
    "dignity",
    "doctor",
    "doctors",
    "dr",
    "education",
    "english",
    "engagement",
    "even",
    "every",
    "examination",
    "exams",
    "experience",
    "families",
    "february",
    "first",
    "flow",
    "focused",
    "for",
    "french",
    "friday",
    "from",
    "group",
    "handling",
    "he",
    "her",
    "his",
    "history",
    "however",
    "i",
    "if",
    "in",
    "information",
    "interaction",
    "interactions",
    "interviews",
    "is",
    "it",
    "january",
    "july",
    "june",
    "later",
    "load",
    "management",
    "march",
    "matron",
    "may",
    "meanwhile",
    "medical",
    "monday",
    "monitoring",
    "my",
    "never",
    "no",
    "not",
    "november",
    "numbers",
    "nurse",
    "nurses",
    "observation",
    "october",
    "of",
    "often",
    "on",
    "once",
    "our",
    "outcomes",
    "participation",
    "portuguese",
    "presentation",
    "privacy",
    "prof",
    "professor",
    "records",
    "registration",
    "relations",
    "respect",
    "right",
    "rights",
    "rounds",
    "safety",
    "satisfaction",
    "saturday",
    "saw",
    "september",
    "she",
    "simulation",
    "since",
    "sister",
    "so",
    "some",
    "spanish",
    "staff",
    "student",
    "students",
    "sunday",
    "support",
    "swahili",
    "that",
    "the",
    "their",
    "then",
    "there",
    "they",
    "this",
    "throughput",
    "thursday",
    "to",
    "transfer",
    "transport",
    "treatment",
    "tuesday",
    "turnover",
    "two",
    "under",
    "until",
    "very",
    "volume",
    "was",
    "we",
    "wednesday",
    "when",
    "where",
    "while",
    "who",
    "with",
    "yesterday",
    "you",
    "zero",
];

/// The words of the name are no others, and no staff stands beside it.
fn is_a_persons_name(hit: &Hit<'_>) -> bool {
    let names = [hit.group("name"), hit.group("second")];
    let plain = names.iter().any(|name| {
        let name = name.to_lowercase();
        NO_NAMES.contains(&name.as_str()) || ORIGINS.contains(&name.as_str())
    });
    !plain && is_no_staff(hit)
}

/// Signs of illness or treatment.
static ILL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:admitted|diagnos[a-z]{2,6}|suffer[a-z]{0,4}|malaria|hiv|tb|tuberculosis|cancer|surgery|operated|operation|burn[a-z]{0,3}|wound[a-z]{0,3}|fractur[a-z]{1,3}|died|delivered|gave\sbirth|labou?r|pregnan[a-z]{1,3}|symptoms?|sick|ill|disease|infection|seizures?|stroke|diarrh[a-z]{2,5}|bled|bleeding|stitch[a-z]{0,3}|sutur[a-z]{1,4}|injur[a-z]{1,4}|patient|coma|sepsis|tumou?r)(?-u:\b)",
    )
});

/// "A stroke of genius" is none.
fn is_ill(hit: &Hit<'_>) -> bool {
    is_no_staff(hit) && !hit.after(4).starts_with(" of ")
}

fn is_a_named_ill_person(hit: &Hit<'_>) -> bool {
    let sentence = hit.after(100).split(['.', '!', '?', '\n']).next().unwrap_or("");
    is_a_persons_name(hit) && ILL.is_match(sentence)
}

/// "Case no. 2024" is a year; a record has other digits or more.
fn is_no_year(hit: &Hit<'_>) -> bool {
    let number = hit.group("at").trim_end_matches(['-', '/']);
    let year = number.len() == 4 && number.parse::<u32>().is_ok_and(|year| (1900..=2099).contains(&year));
    number.chars().filter(char::is_ascii_digit).count() >= 4 && !year
}
