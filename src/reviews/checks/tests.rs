//! The labelled sentences (in `labelled*`) and the properties of all checks.

use proptest::prelude::*;

use super::*;

mod held_out;
mod labelled_content;
mod labelled_privacy;
mod near_copies;

/// What one part gives.
fn found(text: &str) -> Vec<Finding> {
    check(&Candidate { parts: vec![(ReviewPart::WhatIDid, text)] }, &Context::default())
}

/// The characters of a finding.
fn shown(text: &str, finding: &Finding) -> String {
    let place = finding.place.unwrap();
    text.chars().skip(place.start as usize).take((place.end - place.start) as usize).collect()
}

/// The check finds the quoted part of each sentence.
fn assert_found(code: CheckCode, sentences: &[(&str, &str)]) {
    assert!(sentences.len() >= 12);
    let missed: Vec<_> = sentences
        .iter()
        .filter(|(text, part)| {
            !found(text).iter().any(|finding| finding.check == code && shown(text, finding).contains(part))
        })
        .map(|(text, part)| (text, part, found(text)))
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

/// No check finds anything in the sentences.
fn assert_clean(sentences: &[&str]) {
    assert!(sentences.len() >= 12);
    let wrong: Vec<_> = sentences
        .iter()
        .flat_map(|text| found(text).into_iter().map(move |finding| (text, shown(text, &finding), finding)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_rule_finds_its_example_and_no_check_its_look_alike() {
    let tables = [
        (CheckCode::PersonalData, personal_data::RULES),
        (CheckCode::IdentifiablePatient, patient::RULES),
        (CheckCode::Links, links::RULES),
    ];
    let mut wrong = Vec::new();
    for (code, rules) in tables {
        for rule in rules {
            let read = read(&Candidate { parts: vec![(ReviewPart::Good, rule.example)] });
            let alone = rules::compile(rules).into_iter().filter(|(other, _)| other.name == rule.name).collect();
            if rules::apply(code, &alone, &read).is_empty() {
                wrong.push(format!("{} misses its example", rule.name));
            }
            wrong.extend(found(rule.look_alike).iter().map(|finding| format!("{}: {finding:?}", rule.name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_burst_is_more_than_five_and_more_than_four_times_the_usual() {
    let bursts = |last_day, usual| {
        let context = Context { program: Arrivals { last_day, usual }, ..Context::default() };
        check(&Candidate::default(), &context).len()
    };
    for (last_day, usual, expected) in [
        (0, 0.0, 0),
        (5, 0.0, 0),
        (6, 0.0, 1),
        (6, 1.25, 1),
        (6, 1.5, 0),
        (7, 1.5, 1),
        (8, 2.0, 0),
        (9, 2.0, 1),
        (40, 10.0, 0),
        (41, 10.0, 1),
        (6, f64::NAN, 1),
        (u32::MAX, f64::INFINITY, 0),
    ] {
        assert_eq!(bursts(last_day, usual), expected, "{last_day} of {usual}");
    }
    let provider = Arrivals { last_day: 30, usual: 1.0 };
    let both = Context { program: provider, provider, ..Context::default() };
    let findings = check(&Candidate::default(), &both);
    assert!(findings.len() == 2 && findings.iter().all(|finding| finding.place.is_none()));
}

#[test]
fn tricks_with_characters_hide_nothing_and_places_are_of_the_original() {
    for (text, part) in [
        ("Write to jane\u{200b}.doe@exam\u{ad}ple.org soon.", "jane\u{200b}.doe@exam\u{ad}ple.org"),
        ("Ruf an: ＋２５４ ７１２ ３４５ ６７８!", "＋２５４ ７１２ ３４５ ６７８"),
        ("Call ٠٧١٢ ٣٤٥ ٦٧٨ now", "٠٧١٢ ٣٤٥ ٦٧٨"),
        ("Call O7I2 345 678 now", "O7I2 345 678"),
        ("é́é 😀 see ехаmple.соm there", "ехаmple.соm"),
        ("Nurses call the patient Mári\u{301}a Lo\u{301}pez daily.", "Mári\u{301}a Lo\u{301}pez"),
        ("It was sh\u{200d}it.", "sh\u{200d}it"),
    ] {
        let findings = found(text);
        assert!(findings.iter().any(|finding| shown(text, finding) == part), "{text}: {findings:?}");
    }
}

#[test]
fn a_finding_tells_its_part() {
    let parts = vec![(ReviewPart::Advice, "Call 0712 345 678."), (ReviewPart::Good, "See www.example.org today.")];
    let places: Vec<_> = check(&Candidate { parts }, &Context::default())
        .into_iter()
        .map(|finding| (finding.check, finding.place.unwrap()))
        .collect();
    assert_eq!(
        places,
        [
            (CheckCode::PersonalData, Place { part: ReviewPart::Advice, start: 5, end: 17 }),
            (CheckCode::Links, Place { part: ReviewPart::Good, start: 4, end: 19 }),
        ]
    );
}

#[test]
fn one_check_tells_at_most_twenty_places() {
    let text = "mail a.b@example.org or ".repeat(500);
    assert_eq!(found(&text).iter().filter(|finding| finding.check == CheckCode::PersonalData).count(), FINDINGS_MAX);
}

/// Anything quadratic would take minutes here.
#[test]
fn fifty_thousand_characters_of_anything_are_read_to_the_end() {
    let units = [
        "a",
        "a.",
        "a@",
        "1",
        "1 ",
        "0 1-",
        "+",
        "(",
        "www",
        "a.b.",
        "Mr A ",
        "Patient ",
        "bed 1 ",
        "patient Aa Aa ",
        "f u ",
        "fu",
        "1/1/",
        "http:",
        "@a",
        "one ",
        "\u{200b}",
        "é\u{301}",
        "ﷺ",
        "Bed 1, the patient ",
        "MRN ",
        "a dot ",
        "[.]",
        "hospital number ",
        "call ",
        "12.03.2024 bed ",
        "😀",
        "O0l1 ",
        "a-",
        "Instagram ",
        "сhit ",
    ];
    for unit in units {
        let text: String = unit.chars().cycle().take(50_000).chain(" Call 0712 345 678.".chars()).collect();
        let findings = found(&text);
        assert!(findings.len() <= CHECKS.len() * FINDINGS_MAX, "{unit:?}");
        assert!(findings.iter().all(|finding| finding.place.is_some_and(|place| place.end <= 50_019)), "{unit:?}");
    }
}

/// Pieces that the rules react to, beside arbitrary text.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9@.+()/ -]{0,20}",
        Just("Mr Otieno in bed 4 ".to_owned()),
        Just("patient Maria Lopez ".to_owned()),
        Just("+254 712 345\u{200b} 678 ".to_owned()),
        Just("é\u{301}ﬁ😀 ".to_owned()),
        Just("jane.doe (at) example (dot) org ".to_owned()),
        Just("on 12 March the patient of ward 3 ".to_owned()),
        Just("hxxp://example.org ".to_owned()),
        Just("sh1t ".to_owned()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_gives_valid_ordered_and_repeatable_findings(one in pieces(), other in pieces()) {
        let parts = vec![(ReviewPart::Problems, one.as_str()), (ReviewPart::WhatIDid, other.as_str())];
        let text = Candidate { parts };
        let context = Context { own: sketches_of(&other), ..Context::default() };
        let findings = check(&text, &context);
        prop_assert_eq!(&findings, &check(&text, &context));
        prop_assert!(findings.is_sorted());
        for finding in &findings {
            prop_assert!((1..=300).contains(&finding.detail.chars().count()));
            let Some(place) = finding.place else { continue };
            let part = if place.part == ReviewPart::Problems { &one } else { &other };
            prop_assert!(place.start < place.end && place.end as usize <= part.chars().count());
        }
        for pair in findings.windows(2) {
            if let (Some(first), Some(second)) = (pair[0].place, pair[1].place)
                && pair[0].check == pair[1].check && first.part == second.part
            {
                prop_assert!(first.end <= second.start);
            }
        }
    }

    #[test]
    fn every_range_of_a_folded_text_is_a_range_of_the_original(text in any::<String>()) {
        let folded = Folded::new(&text);
        let chars = u32::try_from(text.chars().count()).unwrap();
        prop_assert_eq!(folded.original_chars(), chars);
        let mut before = 0;
        for (at, c) in folded.as_str().char_indices() {
            let place = folded.original(at..at + c.len_utf8());
            prop_assert!(place.start < place.end && place.end <= chars && place.start >= before);
            before = place.start;
        }
    }

    #[test]
    fn a_number_in_a_text_is_found_wherever_it_stands(before in "[a-z ]{0,40}", after in "[a-z ]{0,40}", number in "[1-9][0-9]{8}") {
        let text = format!("{before} +254{number} {after}");
        prop_assert!(found(&text).iter().any(|finding| shown(&text, finding).contains(&number)));
    }
}

fn sketches_of(text: &str) -> Vec<Sketch> {
    near_copy::sketches(&Candidate { parts: vec![(ReviewPart::Good, text)] })
}
