//! Parameters that are read and that are refused, and what they become.

use actix_web::{FromRequest, dev::Payload, test::TestRequest};

use super::*;
use crate::http::{Error, Query};

fn read<T: FromParams>(query: &str) -> Result<T, Error> {
    let request = TestRequest::with_uri(&format!("/v1/programs?{query}")).to_http_request();
    Query::from_request(&request, &mut Payload::None).into_inner().map(|Query(value)| value)
}

fn faults(query: &str) -> Vec<(String, FaultCode)> {
    match read::<ListQuery>(query) {
        Err(Error::Parameters(faults)) => {
            faults.into_iter().map(|fault| (fault.parameter.unwrap(), fault.code)).collect()
        }
        other => panic!("{query}: {other:?}"),
    }
}

fn terms(query: &str) -> Vec<(TermKind, Vec<String>)> {
    let filter = read::<ListQuery>(query).unwrap().filter;
    filter.terms().into_iter().map(|condition| (condition.kind, condition.terms)).collect()
}

#[test]
fn nothing_asked_for_is_no_condition() {
    let query = read::<ListQuery>("").unwrap();
    assert_eq!((query.filter, query.sort), (ProgramFilter::default(), ProgramSort::ScoreDown));
    assert!(ProgramFilter::default().terms().is_empty());
    assert_eq!(ProgramFilter::default().words(), None);
}

#[test]
fn one_country_and_one_specialty_are_one_condition() {
    let pair = [(TermKind::CountrySpecialty, vec!["KE surgery".to_owned()])];
    assert_eq!(terms("specialty=surgery&country=KE"), pair);
    let kinds = terms("country=KE,NP&specialty=surgery&city=S%C3%A3o%20Paulo&start_month=9,10");
    assert_eq!(kinds[0], (TermKind::Country, vec!["KE".to_owned(), "NP".to_owned()]));
    assert_eq!(kinds[2], (TermKind::City, vec!["sao paulo".to_owned()]));
    assert_eq!(kinds[3], (TermKind::StartMonth, vec!["09".to_owned(), "10".to_owned()]));
}

#[test]
fn every_wrong_value_is_named() {
    for (query, name, code) in [
        ("country=ZZ", "country", FaultCode::NotAllowed),
        ("country=", "country", FaultCode::NotAllowed),
        ("specialty=surgery,magic", "specialty", FaultCode::BadFormat),
        ("language=es,ES", "language", FaultCode::NotAllowed),
        ("start_month=13", "start_month", FaultCode::NotAllowed),
        ("start_month=1,1", "start_month", FaultCode::Duplicate),
        ("fee_max_minor=1", "fee_max_minor", FaultCode::Inconsistent),
        ("fee_currency=eur", "fee_currency", FaultCode::NotAllowed),
        ("sort=fee", "sort", FaultCode::Inconsistent),
        ("sort=fees", "sort", FaultCode::BadFormat),
        ("min_score=0.9", "min_score", FaultCode::BadFormat),
        ("min_score=NaN", "min_score", FaultCode::BadFormat),
        ("provider=A", "provider", FaultCode::BadFormat),
        ("q=+", "q", FaultCode::BadFormat),
        ("kind=x", "kind", FaultCode::UnknownMember),
    ] {
        assert_eq!(faults(query), [(name.to_owned(), code)], "{query}");
    }
}

#[test]
fn scores_and_words_are_put_as_they_are_stored() {
    let filter = read::<ListQuery>("min_score=3.7&q=Supervised%20surgeries").unwrap().filter;
    assert_eq!(filter.min_score_key(), Some(37_000));
    assert_eq!(filter.words().unwrap().len(), 2);
    assert_eq!(read::<ListQuery>("q=--").unwrap().filter.words(), Some(Vec::new()));
}

#[test]
fn from_two_to_five_programs_are_compared() {
    assert_eq!(read::<CompareQuery>("ids=surgery-pokhara,nursing-nairobi").unwrap().ids.len(), 2);
    for query in ["", "ids=abc", "ids=abc,abc", "ids=a1b,a2b,a3b,a4b,a5b,a6b", "ids=abc,X"] {
        assert!(read::<CompareQuery>(query).is_err(), "{query}");
    }
}
