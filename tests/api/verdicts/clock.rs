//! The passing of days alone changes what everyone reads, on the day, without anything having to be written.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use preceptor::{
    db::schema::programs,
    generate::{self, Amounts},
    ids::ProgramId,
    programs::{list_query::ListQuery, list_sql::Frequencies, list_store},
    time::{Day, Timestamp},
    verdict::{Outlook, Verdict},
};
use proptest::{
    collection::vec,
    option::weighted,
    sample::select,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use super::{after, expiring, travel};
use crate::{
    plans::list_query,
    program_lists::column,
    support::{Backend, TestApp, builders, send},
};

/// Programs with random days, and rounds of random days and filters.
const PROGRAMS: u32 = 40;

/// A verdict, and two days near one another or never.
fn any_outlook(middle: i32) -> impl Strategy<Value = Outlook> {
    let near = move || {
        let day = move |off: i32| Day::from_number(middle + off).unwrap();
        weighted(0.7, -4..=4_i32).prop_map(move |off| off.map_or(Day::NEVER, day))
    };
    (select(Verdict::ALL), near(), near()).prop_map(|(verdict, conditions_from, insufficient_from)| Outlook {
        verdict,
        conditions_from,
        insufficient_from,
        stale_from: Day::NEVER,
    })
}

on_both! {
    async fn evidence_that_expires_changes_every_answer_on_the_day(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "expiring").await;
        let other = builders::listed(&app, "other").await;
        expiring(&app, &made.program_id, after(50), after(100)).await;
        let anyone = app.client();
        let listed = |filter: String| {
            let anyone = anyone.clone();
            async move { column(&anyone.get(&format!("/v1/programs?{filter}")).await.expect(200).json(), "id") }
        };
        let mut tag = String::new();
        for (number, verdict, stale, is_news) in [
            (49, Verdict::MeetsStandard, false, true),
            (50, Verdict::MeetsWithConditions, true, true),
            (99, Verdict::MeetsWithConditions, true, false),
            (100, Verdict::InsufficientEvidence, true, true),
        ] {
            travel(&app, after(number));
            let notices = if stale { json!(["stale"]) } else { json!([]) };
            let short = json!({"verdict": verdict, "notices": notices});
            // With the tag of the day before.
            let answer = send(anyone.request("GET", &made.path).header("if-none-match", &tag)).await;
            assert_eq!(answer.status, if is_news { 200 } else { 304 }, "{number}");
            assert_eq!(answer.etag() != tag, is_news, "{number}");
            answer.etag().clone_into(&mut tag);
            assert_eq!(anyone.get(&made.path).await.expect(200).json()["verdict"], short);
            let full = anyone.get(&format!("{}/verdict", made.path)).await.expect(200).json();
            assert_eq!((&full["verdict"], &full["notices"], &full["as_of"]), (&json!(verdict), &notices, &json!(after(number))));

            let page = anyone.get("/v1/programs").await.expect(200).json();
            let item = page["data"].as_array().unwrap().iter().find(|item| item["id"] == made.program_id).unwrap();
            assert_eq!((&item["verdict"], &item["notices"]), (&json!(verdict), &notices));
            for asked in Verdict::ALL {
                let mut expected = BTreeSet::new();
                if *asked == verdict {
                    expected.insert(made.program_id.clone());
                }
                if *asked == Verdict::InsufficientEvidence {
                    expected.insert(other.program_id.clone());
                }
                for more in ["", "&country=NP&specialty=internal_medicine", "&q=ward", "&sort=title"] {
                    let found: BTreeSet<_> = listed(format!("verdict={asked}{more}")).await.into_iter().collect();
                    assert_eq!(found, expected, "{number} {asked}{more}");
                }
            }
            let facets = anyone.get("/v1/programs/facets").await.expect(200).json();
            let facet = facets["facets"].as_array().unwrap().iter().find(|facet| facet["name"] == "verdict").unwrap();
            let mut counted: BTreeMap<String, u64> = BTreeMap::from([("insufficient_evidence".to_owned(), 1)]);
            *counted.entry(verdict.to_string()).or_default() += 1;
            let shown = facet["values"].as_array().unwrap().iter();
            let shown: BTreeMap<String, u64> = shown
                .map(|value| (value["value"].as_str().unwrap().to_owned(), value["count"].as_u64().unwrap()))
                .collect();
            assert_eq!(shown, counted, "{number}");
            let path = format!("/v1/programs/compare?ids={},{}", made.program_id, other.program_id);
            let side = anyone.get(&path).await.expect(200).json()["data"][0].clone();
            assert_eq!((&side["verdict"]["verdict"], &side["program"]["verdict"]), (&json!(verdict), &json!(verdict)));
            assert_eq!(side["program"]["notices"], notices);
            assert_ne!(side["verdict"]["holds_until"], Value::Null);
        }
    }

    async fn lists_and_facets_agree_with_the_rule_on_every_day(backend: Backend) {
        let app = TestApp::start(backend);
        let amounts = Amounts { programs: PROGRAMS, reviews: 0, reports: 0, seed: 7 };
        let conn = &mut app.connect();
        generate::run(conn, &amounts, Timestamp::now()).unwrap();
        let ids: Vec<ProgramId> = programs::table.filter(programs::status.eq("listed")).select(programs::id).load(conn).unwrap();
        assert!(ids.len() > 20, "{}", ids.len());
        let middle = 21_000;
        let mut runner = TestRunner::deterministic();
        for _ in 0..3 {
            let outlooks = vec(any_outlook(middle), ids.len()).new_tree(&mut runner).unwrap().current();
            for (id, outlook) in ids.iter().zip(&outlooks) {
                let columns = (
                    programs::verdict.eq(outlook.verdict),
                    programs::conditions_from.eq(outlook.conditions_from),
                    programs::insufficient_from.eq(outlook.insufficient_from),
                );
                diesel::update(programs::table.find(id)).set(columns).execute(conn).unwrap();
            }
            let known = Frequencies::new();
            for number in middle - 5..=middle + 5 {
                let today = Day::from_number(number).unwrap();
                let ListQuery { filter, .. } = list_query("/").await;
                let counts = list_store::counts(conn, &filter, &known, today).unwrap();
                let counted: BTreeMap<Verdict, i64> = counts.verdicts.into_iter().collect();
                for verdict in Verdict::ALL {
                    let is = |outlook: &Outlook| outlook.on(today) == *verdict;
                    let expected: BTreeSet<ProgramId> =
                        ids.iter().zip(&outlooks).filter(|(_, outlook)| is(outlook)).map(|(id, _)| *id).collect();
                    let ListQuery { filter, sort, .. } = list_query(&format!("/?verdict={verdict}")).await;
                    let page = list_store::page(conn, &filter, &known, today, (sort, None, 100)).unwrap();
                    let found: BTreeSet<ProgramId> = page.iter().map(|listed| listed.row.id).collect();
                    assert_eq!(found, expected, "{verdict} on {today}");
                    assert!(page.iter().all(|listed| listed.row.standing.verdict_on(today) == *verdict));
                    let count = counted.get(verdict).copied().unwrap_or_default();
                    assert_eq!(count, i64::try_from(expected.len()).unwrap(), "{verdict} on {today}");
                }
            }
        }
    }
}
