//! Sentences written after the rules, to see what they get wrong; and the demonstration's reviews.

use super::*;

#[test]
fn what_must_be_seen_by_a_person_is_found() {
    let sentences = [
        "You can email the host directly, her address is grace_host(at)gmail.com",
        "contact: +44 (0)20 7946 0958",
        "Tel.: 01 42 68 53 00",
        "WhatsApp me on 7712345678",
        "Whatsapp: +91-98765-43210",
        "my insta: jane.doe.med",
        "DM me on instagram @janedoe",
        "dial 011 233 24 412 3456",
        "the supervisor's mobile 0244123456 is always on",
        "The patient's name was Esther Nyambura and she was 14.",
        "we had a patient, Emmanuel, who lost his leg",
        "Mr Okello from bed 9 kept asking for us",
        "Baby Grace in incubator 3 died during the night",
        "On the 14th of July a woman in bed 22 bled to death",
        "a 34 year old woman called Fatuma died of sepsis in front of me",
        "Admission no: 2291/24 was written on the photo",
        "IP No. 443321",
        "visit healthtrips[.]com",
        "go to healthtrips.com!",
        "tinyurl.com/abc123",
        "Check HTTPS://WWW.EXAMPLE.COM",
        "our telegram group is t.me/electives2024",
        "Those idiots are shitheads",
        "my email is jane at example dot ac dot uk",
    ];
    let missed: Vec<_> = sentences.iter().filter(|text| found(text).is_empty()).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_only_looks_alike_is_clean() {
    assert_clean(&[
        "I worked Monday-Friday 08:00-16:00, on call 2x per week until 22:00.",
        "We were 4 students per 1 supervisor; 3-4 patients each; 10-12 hours shifts.",
        "The 2023-2024 cohort had 16 students. The 2022-23 one had 9.",
        "Total cost: 2,450 EUR + 300 EUR flight change; deposit 500.00 EUR.",
        "ICD-10 codes B50.9 and A01.0 were on every second chart.",
        "CD4 counts of 350-500 and viral loads of 1000000 copies.",
        "Temperature 38.5, pulse 110, resp 24, sats 94%.",
        "Patient consent was always asked. Patient Consent forms were in English only.",
        "Patient-centred care. Patient X was a mannequin.",
        "The patient said Doctor, please stop.",
        "My patient was Kenyan and spoke only Luo.",
        "The first patient Tuesday morning was a child.",
        "Mr Smith and Mrs Jones are the owners of the guest house.",
        "Mrs Addo had a stroke of genius with the timetable.",
        "Mama Esther was our cook and had a great laugh.",
        "Mr Boateng from room 3 is the lab technician.",
        "In June 2024 I rotated in Ward 10 and Theatre 2.",
        "On 5 May we moved to ward 3, where she, our registrar, taught us.",
        "I was in Arusha from 3/6 to 28/6 and slept in room 2.",
        "Prof. Asante's lectures at the KNUST campus. Great.",
        "Read the WHO guideline before you go; the NHS page helps as well.",
        "St.Lucia and Mt.Meru are worth a trip.",
        "We used Node.js and R for the data; results in data.csv and report.pdf.",
        "Rules were clear.In short: watch, ask, learn.",
        "My host mum, Grace, is a retired nurse, aged 62.",
        "A nurse called Patience was in charge of the ward where malaria was treated.",
        "A man called Joseph drove us to the wards and treated us to tea.",
        "Call me old-fashioned, but 10 000 000 shillings for a month is a lot.",
        "The hotline number never worked.",
        "He is a 25-year-old medical student from Hamburg.",
        "Bring 2 scrubs, 1 watch, 3 pairs of shoes (1 closed).",
        "The room number was 204 and the wifi password on the wall.",
        "We saw case number 3 of cholera in 2023.",
        "Email is answered in 1-2 days; phone calls never.",
        "Facebook ads said 5-star housing. Instagram posts from 2021.",
        "Line managers are strict; signal was bad; messenger boys bring tea.",
        "Skype interview was 30 min.",
        "HIV-positive mothers were counselled; TB/HIV clinic on Tuesdays.",
    ]);
}

/// The texts of the demonstration are such as participants write; one is there to be held.
#[test]
fn of_the_demonstrations_reviews_only_the_one_with_a_link_is_held() {
    fn texts<'v>(value: &'v serde_json::Value, found: &mut Vec<&'v str>) {
        match value {
            serde_json::Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
            serde_json::Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
                Some(text) if ReviewPart::ALL.iter().any(|part| part.as_str() == name) => found.push(text),
                _ => texts(value, found),
            }),
            _ => {}
        }
    }
    let reviews = serde_json::from_str(include_str!("../../../demo/reviews.json")).unwrap();
    let mut written = Vec::new();
    texts(&reviews, &mut written);
    assert!(written.len() > 20);
    let held =
        written.iter().flat_map(|text| found(text).into_iter().map(|finding| (finding.check, shown(text, &finding))));
    assert_eq!(held.collect::<Vec<_>>(), [(CheckCode::Links, "https://trips.example/manila".to_owned())]);
}
