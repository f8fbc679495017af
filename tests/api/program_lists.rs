//! Lists of programs: filters, orders, pages, search, facets, comparison; the same on both databases.

use std::collections::BTreeSet;

use preceptor::search_text::sort_key;
use serde_json::{Value, json};

use catalogue::{Catalogue, differences};
pub use catalogue::{column, walk};

use crate::support::{self, Backend, TestApp};

mod catalogue;

/// Which programs of the catalogue a filter leaves.
enum Left {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

use Left::{AllBut, Only};

/// Every filter, and the programs that it must leave.
const FILTERS: &[(&str, Left)] = &[
    ("country=KE", Only(&["kenya"])),
    ("country=KE,UG", Only(&["kenya", "hosted-abroad"])),
    ("country=NP", AllBut(&["kenya", "brazil"])),
    ("country=DE", Only(&[])),
    ("city=nairobi", Only(&["kenya"])),
    ("city=SAO%20JOAO", Only(&["brazil"])),
    ("city=s%C3%A3o+jo%C3%A3o", Only(&["brazil"])),
    ("city=Kampala", Only(&["hosted-abroad"])),
    ("specialty=surgery", Only(&["surgical"])),
    ("specialty=surgery,obstetrics_gynaecology", Only(&["surgical", "birth"])),
    ("specialty=internal_medicine", AllBut(&["birth"])),
    ("country=NP&specialty=surgery", Only(&["surgical"])),
    ("country=KE&specialty=surgery", Only(&[])),
    ("country=KE,NP&specialty=surgery,dentistry", Only(&["surgical"])),
    ("track=research", Only(&["research"])),
    ("track=research,clinical_observation", AllBut(&[])),
    ("training_level=licensed", Only(&["licensed"])),
    ("training_level=clinical", AllBut(&["licensed"])),
    ("language=es", Only(&["spanish"])),
    ("start_month=10", Only(&["october"])),
    ("start_month=1,10", AllBut(&[])),
    ("start_month=3", AllBut(&["october"])),
    ("weeks=1", Only(&["short"])),
    ("weeks=4", AllBut(&["short"])),
    ("weeks=9", Only(&[])),
    ("fee_currency=USD", Only(&["dollars"])),
    ("fee_currency=EUR", AllBut(&["dollars", "mixed", "free"])),
    ("fee_currency=EUR&fee_max_minor=50000", Only(&["cheap"])),
    ("fee_currency=EUR&fee_max_minor=49999", Only(&[])),
    ("minimum_age=17", Only(&["young"])),
    ("minimum_age=18", AllBut(&[])),
    ("verdict=not_recommended", Only(&["flagged"])),
    ("verdict=insufficient_evidence", AllBut(&["flagged"])),
    ("min_score=3.5", Only(&["liked"])),
    ("min_score=1", Only(&["liked", "disliked"])),
    ("min_reviews=1", Only(&["liked", "disliked", "free"])),
    ("min_reviews=4", Only(&["liked"])),
    ("verified_reviews=true", Only(&["liked"])),
    ("verified_reviews=false", AllBut(&[])),
    ("provider=zanzibar-electives", Only(&["elsewhere"])),
    ("provider=himal-placements", AllBut(&["elsewhere"])),
    ("provider=nobody-at-all", Only(&[])),
    ("without_red_flag=unsupervised_patient_contact", AllBut(&["flagged"])),
    ("without_red_flag=vague_role", AllBut(&[])),
    ("q=vaccination", Only(&["worded"])),
    ("country=NP&weeks=6&fee_currency=EUR&specialty=internal_medicine&minimum_age=17", Only(&["young"])),
];

const SORTS: [&str; 8] =
    ["-score", "score", "-listed_at", "listed_at", "title", "-title", "fee&fee_currency=EUR", "-review_count"];

impl Left {
    fn slugs(&self) -> BTreeSet<String> {
        let all = differences().into_iter().map(|(slug, _)| slug);
        let stays = |slug: &&str| match self {
            Only(those) => those.contains(slug),
            AllBut(those) => !those.contains(slug),
        };
        all.filter(stays).map(str::to_owned).collect()
    }
}

fn set(slugs: Vec<String>) -> BTreeSet<String> {
    let count = slugs.len();
    let set = BTreeSet::from_iter(slugs);
    assert_eq!(set.len(), count, "a program stands twice: {set:?}");
    set
}

/// A key by which the rows of a page must not fall.
fn key(sort: &str, row: &Value) -> String {
    let number = |value: i64| format!("{:020}", value + 1_000_000_000);
    #[expect(clippy::cast_possible_truncation, reason = "a score has four decimals")]
    let score = (row["score"].as_f64().unwrap_or(0.0) * 10_000.0).round() as i64;
    match sort.split('&').next().unwrap() {
        "-score" => number(-score),
        "score" => number(score),
        "listed_at" => row["listed_at"].as_str().unwrap().to_owned(),
        "title" => sort_key(row["title"].as_str().unwrap()),
        "fee" => number(row["fee"]["total_minor"].as_i64().unwrap()),
        "-review_count" => number(-row["review_count"].as_i64().unwrap()),
        other => panic!("{other}"),
    }
}

on_both! {
    async fn every_filter_leaves_exactly_the_right_programs(backend: Backend) {
        let made = Catalogue::load(TestApp::start(backend)).await;
        assert_eq!(set(made.slugs("").await), AllBut(&[]).slugs());
        for (filter, left) in FILTERS {
            assert_eq!(set(made.slugs(&format!("&{filter}")).await), left.slugs(), "{filter}");
        }
        let by_id = format!("&provider={}", made.provider_id);
        assert_eq!(set(made.slugs(&by_id).await), AllBut(&["elsewhere"]).slugs());
        for wrong in [
            "country=XX", "specialty=magic", "start_month=13", "weeks=0", "fee_currency=XXX", "fee_max_minor=1",
            "sort=fee", "sort=stars", "min_score=6", "minimum_age=5", "country=NP,NP", "verdict=good", "q=",
        ] {
            let answer = made.anyone.get(&format!("/v1/programs?{wrong}")).await;
            answer.problem(400, "invalid_parameter");
            assert_eq!(answer.faults()[0].0, wrong.split('=').next().unwrap(), "{wrong}");
        }
    }

    async fn every_sort_orders_all_programs_and_its_pages_join_up(backend: Backend) {
        let made = Catalogue::load(TestApp::start(backend)).await;
        for sort in SORTS {
            let page = made.anyone.get(&format!("/v1/programs?limit=100&sort={sort}")).await.expect(200).json();
            let whole = column(&page, "slug");
            let wanted = if sort.starts_with("fee") { AllBut(&["dollars", "mixed", "free"]) } else { AllBut(&[]) };
            assert_eq!(set(whole.clone()), wanted.slugs(), "{sort}");
            let rows = page["data"].as_array().unwrap();
            // Backwards is the mirror of forwards.
            if let Some(forwards) = sort.strip_prefix('-').filter(|name| ["title", "listed_at"].contains(name)) {
                let mut mirrored = made.slugs(&format!("&sort={forwards}")).await;
                mirrored.reverse();
                assert_eq!(whole, mirrored, "{sort}");
            } else {
                let keys: Vec<_> = rows.iter().map(|row| key(sort, row)).collect();
                assert!(keys.is_sorted(), "{sort}: {keys:?}");
            }
            for limit in [1, 2, 5] {
                let walked = walk(&made.anyone, &format!("/v1/programs?limit={limit}&sort={sort}"), "slug").await;
                assert_eq!(walked, whole, "{sort} by {limit}");
            }
        }
        let narrowed = "country=NP&q=ward&minimum_age=18&sort=title";
        let walked = walk(&made.anyone, &format!("/v1/programs?limit=2&{narrowed}"), "slug").await;
        assert_eq!(walked, made.slugs(&format!("&{narrowed}")).await);
        assert!(walked.len() > 10, "{walked:?}");
        assert_eq!(made.slugs("").await, made.slugs("&sort=-score").await, "the default");
    }

    async fn a_walk_meets_each_program_once_while_others_come_and_go(backend: Backend) {
        let made = Catalogue::load(TestApp::start(backend)).await;
        let mut number = 0;
        for sort in ["-score", "title", "-listed_at", "listed_at"] {
            let before = set(made.slugs("").await);
            let (mut seen, mut next) = (Vec::new(), String::new());
            let mut gone = BTreeSet::new();
            loop {
                let path = format!("/v1/programs?limit=2&sort={sort}{next}");
                let page = made.anyone.get(&path).await.expect(200).json();
                let shown = column(&page, "slug");
                assert!(shown.iter().all(|slug| !gone.contains(slug)), "{sort}: {shown:?} after {gone:?}");
                // The last one shown goes, and the cursor that was made from it holds still.
                if seen.len() % 4 == 2 {
                    gone.extend(shown.last().cloned());
                    made.decide(shown.last().unwrap(), "suspend").await;
                }
                seen.extend(shown);
                number += 1;
                made.add(&made.provider, &format!("newcomer-{number}"), &json!({})).await;
                match page["next_cursor"].as_str() {
                    // By rising time of listing, newcomers are always ahead.
                    Some(_) if seen.len() > 60 => break,
                    Some(cursor) => next = format!("&cursor={cursor}"),
                    None => break,
                }
            }
            let seen = set(seen);
            assert!(before.iter().all(|slug| seen.contains(slug)), "{sort}: {before:?} in {seen:?}");
            for slug in &gone {
                made.decide(slug, "reinstate").await;
            }
            for slug in made.slugs("").await.iter().filter(|slug| slug.starts_with("newcomer")) {
                made.decide(slug, "archive").await;
            }
        }
    }

    async fn words_are_found_by_stem_and_without_accents(backend: Backend) {
        let made = Catalogue::load(TestApp::start(backend)).await;
        for (words, left) in [
            ("vaccinate", Only(&["worded"])), ("VACCINATIONS", Only(&["worded"])), ("clinica", Only(&["worded"])),
            ("cl%C3%ADnicas+village", Only(&["worded"])), ("village+surgery", Only(&[])),
            ("sao+joao", Only(&["brazil"])), ("S%C3%83O", Only(&["brazil"])), ("mulago", Only(&["hosted-abroad"])),
            ("gynaecology", Only(&["birth"])), ("surgeries", Only(&["surgical"])), ("zanzibar", Only(&["elsewhere"])),
            ("ward", AllBut(&[])), ("physicians+licensed", AllBut(&[])), ("%22+OR+*", Only(&[])),
            ("---", Only(&[])), ("ward+NOT+kenya", Only(&[])), ("'%3B+DROP", Only(&[])),
        ] {
            assert_eq!(set(made.slugs(&format!("&q={words}")).await), left.slugs(), "{words}");
        }
        let change = json!({"summary": "Students watch screenings for diabetes."});
        made.provider.patch("/v1/programs/worded", "*", &change).await.expect(200);
        assert!(made.slugs("&q=vaccination").await.is_empty());
        assert_eq!(made.slugs("&q=screened").await, ["worded"]);
        let admin = made.app.admin().await;
        admin.patch("/v1/providers/zanzibar-electives", "*", &json!({"name": "Pemba Electives"})).await.expect(200);
        assert_eq!(made.slugs("&q=pemba").await, ["elsewhere"]);
        assert!(made.slugs("&q=zanzibar").await.is_empty());
    }

    async fn facets_count_what_the_filters_find(backend: Backend) {
        let made = Catalogue::load(TestApp::start(backend)).await;
        for filter in ["", "country=NP", "q=ward&minimum_age=18", "fee_currency=EUR&weeks=5", "country=DE"] {
            let facets = made.anyone.get(&format!("/v1/programs/facets?{filter}")).await.expect(200).json();
            let total = made.slugs(&format!("&{filter}")).await.len();
            assert_eq!(facets["total"], total, "{filter}");
            let mut verdicts = 0;
            for facet in facets["facets"].as_array().unwrap() {
                let name = facet["name"].as_str().unwrap();
                for value in facet["values"].as_array().unwrap() {
                    let (text, count) = (value["value"].as_str().unwrap(), value["count"].as_u64().unwrap());
                    // The filter of the same name finds as many; where `filter` has one already, it found them all.
                    if filter.contains(&format!("{name}=")) {
                        continue;
                    }
                    let found = match name {
                        "red_flag" => total - made.slugs(&format!("&{filter}&without_red_flag={text}")).await.len(),
                        _ => made.slugs(&format!("&{filter}&{name}={text}")).await.len(),
                    };
                    assert_eq!(count, found as u64, "{filter} {name} {text}");
                    verdicts += if name == "verdict" { count } else { 0 };
                }
            }
            assert_eq!(verdicts, total as u64, "{filter}");
        }
        let names = ["country", "specialty", "track", "training_level", "language", "start_month", "red_flag", "verdict"];
        let facets = made.anyone.get("/v1/programs/facets").await.expect(200).json();
        let shown: Vec<_> = facets["facets"].as_array().unwrap().iter().map(|facet| facet["name"].as_str().unwrap()).collect();
        assert_eq!(shown, names);
        assert_eq!(facets["facets"][5]["values"][3], json!({"value": "10", "count": 1}));
        assert_eq!(facets["facets"][6]["values"], json!([{"value": "unsupervised_patient_contact", "count": 1}]));
    }

    async fn programs_are_compared_side_by_side(backend: Backend) {
        let made = Catalogue::load(TestApp::start(backend)).await;
        let liked = made.anyone.get("/v1/programs/liked").await.expect(200).json();
        let path = format!("/v1/programs/compare?ids=flagged,{},kenya", liked["id"].as_str().unwrap());
        let sides = made.anyone.get(&path).await.expect(200).json();
        let slugs: Vec<_> = sides["data"].as_array().unwrap().iter().map(|side| &side["program"]["slug"]).collect();
        assert_eq!(slugs, ["flagged", "liked", "kenya"]);
        let side = &sides["data"][1];
        for member in ["scope", "supervision", "safety", "legal_basis", "fees", "score", "consent_policy"] {
            assert_eq!(side[member], liked[member], "{member}");
        }
        assert_eq!(side["program"]["score"], liked["score"]["overall"]["score"]);
        let flagged = &sides["data"][0]["verdict"];
        assert_eq!(flagged["verdict"], "not_recommended");
        assert!(made.report.ends_with(flagged["reasons"][0]["report_ids"][0].as_str().unwrap()));
        for (ids, code) in [
            ("plain", "too_few"), ("plain,kenya,brazil,short,cheap,free", "too_many"), ("plain,plain", "duplicate"),
            ("plain,no-such-program", "unknown_reference"), ("plain,hidden-draft", "unknown_reference"),
            ("plain,hidden-archived", "unknown_reference"), ("plain,", "bad_format"), ("", "bad_format"),
        ] {
            let answer = made.anyone.get(&format!("/v1/programs/compare?ids={ids}")).await;
            answer.problem(400, "invalid_parameter");
            assert!(answer.faults().contains(&("ids".to_owned(), code.to_owned())), "{ids}: {:?}", answer.faults());
        }
        let twice = format!("/v1/programs/compare?ids=liked,{}", liked["id"].as_str().unwrap());
        assert_eq!(made.anyone.get(&twice).await.faults(), [("ids".to_owned(), "duplicate".to_owned())]);
        made.anyone.get("/v1/programs/compare").await.problem(400, "invalid_parameter");
    }

    async fn a_red_flag_leaves_the_filter_once_it_is_remediated(backend: Backend) {
        let made = Catalogue::load(TestApp::start(backend)).await;
        let filter = "&without_red_flag=vague_role,unsupervised_patient_contact";
        assert!(!made.slugs(filter).await.contains(&"flagged".to_owned()));
        let decision = json!({
            "action": "remediate", "reason": "It was shown to us.", "proof": "The duty roster of three months."
        });
        for moderator in [&made.moderator, &made.app.moderator().await] {
            moderator.post(&format!("{}/decisions", made.report), &decision).await.expect(200);
        }
        assert_eq!(set(made.slugs(filter).await), AllBut(&[]).slugs());
        assert!(made.slugs("&verdict=not_recommended").await.is_empty());
    }
}

/// Queries whose answers are compared between the databases, besides every filter in every sort.
const MORE: [&str; 6] = [
    "&q=medicine+ward&sort=title",
    "&q=clinic&country=NP&sort=-review_count",
    "&q=observation&sort=-title",
    "&country=NP,KE,BR&track=clinical_observation&sort=score",
    "&min_reviews=1&sort=-review_count",
    "&weeks=5&minimum_age=18&without_red_flag=vague_role&sort=-listed_at",
];

#[test]
fn both_databases_answer_the_same_lists() {
    if support::postgres::server().is_none() {
        support::postgres::say_skipped("both_databases_answer_the_same_lists");
        return;
    }
    support::run(Backend::Sqlite, async |_| {
        let one = Catalogue::load(TestApp::start(Backend::Sqlite)).await;
        let other = Catalogue::load(TestApp::start(Backend::Postgres)).await;
        let sorted = SORTS.iter().map(|sort| format!("&sort={sort}"));
        let turned = FILTERS.iter().zip(SORTS.iter().filter(|sort| !sort.contains("fee")).cycle());
        let filtered = turned.map(|((filter, _), sort)| format!("&{filter}&sort={sort}"));
        for query in sorted.chain(filtered).chain(MORE.map(str::to_owned)) {
            let whole = one.slugs(&query).await;
            assert_eq!(whole, other.slugs(&query).await, "{query}");
            let walked = walk(&other.anyone, &format!("/v1/programs?limit=3{query}"), "slug").await;
            assert_eq!(walked, whole, "{query}");
            // Orders and pages are no business of facets.
            let filter: Vec<_> = query.split('&').filter(|part| !part.starts_with("sort=")).collect();
            let facets = format!("/v1/programs/facets?{}", filter.join("&"));
            let counted = one.anyone.get(&facets).await.expect(200).json();
            assert_eq!(counted, other.anyone.get(&facets).await.expect(200).json(), "{query}");
        }
    });
}
