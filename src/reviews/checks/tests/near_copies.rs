//! Copies and independent texts on the same subject.

use proptest::sample::{Index, select};

use super::*;

const ACCOUNTS: &[&str] = &[
    "I spent six weeks in the paediatric ward of a district hospital. A registrar was with us on every round, explained \
     each case and asked the mothers whether students may be present. I watched dressings and lumbar punctures and \
     practised taking histories with an interpreter. Nobody asked me to do more than I had learnt.",
    "For six weeks I was placed with the children's ward of the county hospital. On most mornings a senior doctor took \
     the round and told us about every child, but in the afternoon we were often left alone with two nurses. I mostly \
     observed and once refused to give an injection, which was accepted without any trouble.",
    "My rotation in obstetrics lasted a month. Midwives let us stand at the side during births and told the women who we \
     were. I never delivered a baby myself. The night shifts were hard, and the housing was far from the hospital, so \
     we needed a taxi after dark that the provider did not pay for.",
    "During four weeks in the maternity I saw more than forty births. The midwives are overworked, and some asked \
     students to suture tears without anyone watching. I said no, others did not. There was one orientation session, no \
     written rules about what we may do, and no one to complain to.",
    "The surgical department takes two students at a time. You scrub in only as an observer, stand behind the line and \
     may ask questions once the wound is closed. The consultant gave us feedback every Friday and signed our logbook. \
     Lodging with a host family was included and the food was good.",
    "As a student before medical school I shadowed doctors in the outpatient clinic. The translator was excellent and the \
     clinical officers took time for questions between patients. I measured blood pressure after being taught, always \
     with a nurse beside me. The fee is high for what you get, since housing cost extra.",
    "Public health placement in three villages: we counted mosquito nets, visited households with community health \
     workers and helped to enter the survey into tablets. No contact with patients in a hospital, which I had known \
     before. The coordinator answered within a day and the data were used by the county.",
    "We were promised supervision by licensed surgeons and found one overworked clinical officer. From the second day \
     students were expected to close wounds and draw blood. Patients were not told that we were students. I left after \
     two weeks, got no refund, and reported it to my university at home.",
];

fn compared(text: &str, own: &[&str], others: &[&str]) -> Vec<Finding> {
    let sketches = |texts: &[&str]| texts.iter().flat_map(|text| sketches_of(text)).collect();
    let context = Context { own: sketches(own), others: sketches(others), ..Context::default() };
    let findings = check(&Candidate { parts: vec![(ReviewPart::WhatIDid, text)] }, &context);
    findings.into_iter().filter(|finding| finding.check == CheckCode::NearCopy).collect()
}

#[test]
fn independent_accounts_of_the_same_kind_of_stay_are_no_copies() {
    for (at, text) in ACCOUNTS.iter().enumerate() {
        let others: Vec<&str> =
            ACCOUNTS.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, t)| *t).collect();
        assert!(compared(text, &others, &others).is_empty(), "{text}");
    }
}

#[test]
fn edited_copies_are_found() {
    type Edit<'e> = (&'e str, &'e dyn Fn(&str) -> String);
    let swapped = |text: &str| {
        let mut sentences: Vec<&str> = text.split(". ").collect();
        sentences.reverse();
        sentences.join(". ")
    };
    let edits: [Edit<'_>; 6] = [
        ("as it is", &|text| text.to_owned()),
        ("shouted, other punctuation", &|text| text.to_uppercase().replace('.', " !!! ").replace(',', " -")),
        ("sentences in another order", &swapped),
        ("a sentence in front and one behind", &|text| format!("My honest opinion about this. {text} Go there!")),
        ("some words changed", &|text| {
            text.replace("weeks", "months")
                .replace("every", "each")
                .replace("hospital", "clinic")
                .replace("doctor", "medic")
        }),
        ("zero-width characters and look-alikes", &|text| text.replace('e', "\u{200b}е").replace('o', "ο")),
    ];
    for (name, edit) in edits {
        for text in ACCOUNTS {
            let others: Vec<&str> = ACCOUNTS.to_vec();
            assert_eq!(compared(&edit(text), &[], &others).len(), 1, "{name}: {text}");
        }
    }
}

#[test]
fn a_part_copied_into_another_review_is_found_and_named() {
    let copied = ACCOUNTS[2];
    let theirs = Candidate { parts: vec![(ReviewPart::Good, ACCOUNTS[0]), (ReviewPart::Problems, copied)] };
    let mine = Candidate { parts: vec![(ReviewPart::Good, ACCOUNTS[4]), (ReviewPart::Advice, copied)] };
    let context = Context { others: near_copy::sketches(&theirs), ..Context::default() };
    let places: Vec<_> = check(&mine, &context).into_iter().map(|finding| finding.place.unwrap().part).collect();
    assert_eq!(places, [ReviewPart::Advice]);
}

#[test]
fn a_text_in_short_parts_is_compared_as_a_whole() {
    let sentences: Vec<&str> = ACCOUNTS[7].split(". ").collect();
    let parts: Vec<_> = ReviewPart::ALL.iter().copied().zip(sentences).collect();
    let context = Context { others: sketches_of(ACCOUNTS[7]), ..Context::default() };
    let findings = check(&Candidate { parts }, &context);
    assert!(findings.len() == 1 && findings[0].check == CheckCode::NearCopy && findings[0].place.is_none());
}

#[test]
fn the_authors_own_words_are_told_apart_from_those_of_others() {
    let text = ACCOUNTS[1];
    let (own, other) = (compared(text, &[text], &[]), compared(text, &[], &[text]));
    assert!(own[0].detail.contains("you wrote") && other[0].detail.contains("another review of this program"));
}

#[test]
fn short_texts_are_not_compared() {
    let praise = "It was a great experience and I learnt a lot, I would recommend it to everyone. Thank you much!";
    assert_eq!(praise.split_whitespace().count(), near_copy::WORDS_MIN - 1);
    assert!(compared(praise, &[praise], &[praise]).is_empty());
    assert!(Sketch::of(&format!("{praise} Bye.")).is_some());
}

#[test]
fn a_sketch_survives_storage_and_stays_the_same_over_versions() {
    let sketch = Sketch::of(ACCOUNTS[0]).unwrap();
    let bytes = sketch.to_bytes();
    assert_eq!(Sketch::from_bytes(&bytes).as_ref(), Some(&sketch));
    assert!(Sketch::from_bytes(&bytes[1..]).is_none() && Sketch::from_bytes(&[]).is_none());
    assert!(Sketch::from_bytes(&[bytes.clone(), bytes.clone()].concat()).is_none());
    // Stored sketches are compared with new ones, so the hash functions may not change unnoticed.
    insta::assert_snapshot!(format!("{:02x?}", &bytes[..16]), @"[15, de, eb, 06, 2e, fb, 1a, 03, 53, 37, 13, 00, 58, bb, ca, 00]");
}

const WORDS: &[&str] = &[
    "ward",
    "doctor",
    "nurse",
    "patient",
    "round",
    "student",
    "hospital",
    "surgery",
    "clinic",
    "week",
    "day",
    "night",
    "supervised",
    "watched",
    "asked",
    "helped",
    "learnt",
    "the",
    "a",
    "of",
    "in",
    "and",
    "with",
    "we",
    "i",
    "was",
    "were",
    "not",
    "very",
    "good",
    "bad",
    "long",
    "history",
    "wound",
    "blood",
    "pressure",
    "birth",
    "child",
    "mother",
    "team",
    "housing",
    "food",
    "fee",
    "host",
    "language",
    "consent",
    "photo",
    "rule",
    "alone",
    "always",
    "never",
    "often",
    "morning",
    "evening",
    "teaching",
    "question",
    "answer",
    "logbook",
    "feedback",
    "orientation",
    "safe",
    "far",
    "near",
    "busy",
];

proptest! {
    #[test]
    fn a_copy_with_every_twelfth_word_changed_is_found(
        words in proptest::collection::vec(select(WORDS), 60..200),
        at in proptest::collection::vec(any::<Index>(), 200),
    ) {
        let mut copy = words.clone();
        for index in at.iter().take(words.len() / 12) {
            copy[index.index(words.len())] = "replaced";
        }
        prop_assert_eq!(compared(&copy.join(" "), &[], &[&words.join(" ")]).len(), 1);
    }

    #[test]
    fn two_independent_texts_of_the_same_few_words_are_not_alike(
        one in proptest::collection::vec(select(WORDS), 20..200),
        other in proptest::collection::vec(select(WORDS), 20..200),
    ) {
        prop_assert!(compared(&one.join(" "), &[], &[&other.join(" ")]).is_empty());
    }
}
