//! Programs: the way from draft to archive, edits that keep what was, and who knows of what.

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Client, TestApp, builders, builders::Listed, send};

const REASON: &str = "It was looked at with care.";

/// What is done to come from a draft to each state. `end` is the provider's way to archive.
const WAYS: [(&str, &[&str]); 5] = [
    ("draft", &[]),
    ("submitted", &["submit"]),
    ("listed", &["submit", "list"]),
    ("suspended", &["submit", "list", "suspend"]),
    ("archived", &["end"]),
];

const ACTIONS: [&str; 7] = ["submit", "end", "list", "reject", "suspend", "reinstate", "archive"];

/// What each state allows, and the state after it. A provider cannot end what a moderator has suspended: the warning
/// would go with it.
const ALLOWED: [(&str, &str, &str); 10] = [
    ("draft", "submit", "submitted"),
    ("draft", "end", "archived"),
    ("draft", "archive", "archived"),
    ("submitted", "list", "listed"),
    ("submitted", "reject", "draft"),
    ("listed", "suspend", "suspended"),
    ("listed", "end", "archived"),
    ("listed", "archive", "archived"),
    ("suspended", "reinstate", "listed"),
    ("suspended", "archive", "archived"),
];

fn ruling(action: &str) -> Value {
    json!({"action": action, "reason": REASON})
}

/// Asks for an action as whoever may: the provider or a moderator.
async fn ask(made: &Listed, moderator: &Client, action: &str) -> Answer {
    match action {
        "submit" => made.provider.act(&format!("{}/submit", made.path)).await,
        "end" => made.provider.act(&format!("{}/archive", made.path)).await,
        ruled => moderator.post(&format!("{}/decisions", made.path), &ruling(ruled)).await,
    }
}

/// A program in the state at the end of the way.
async fn in_state(app: &TestApp, moderator: &Client, way: &[&str]) -> Listed {
    let made = builders::draft(app, "state").await;
    for action in way {
        ask(&made, moderator, action).await.expect(200);
    }
    made
}

/// The slugs of a list.
async fn listed_slugs(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/v1/programs?limit=100{query}")).await.expect(200).json();
    page["data"].as_array().unwrap().iter().map(|row| row["slug"].as_str().unwrap().to_owned()).collect()
}

/// Where a fault points, in the document that was sent. What is required points at the place where it is missing.
pub fn resolves(document: &Value, place: &str, code: &str) -> bool {
    let pointer = place.strip_prefix('#').unwrap_or("no pointer");
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    document.pointer(pointer).is_some() || (code == "required" && document.pointer(parent).is_some())
}

on_both! {
    async fn a_program_goes_from_draft_to_archive(backend: Backend) {
        let app = TestApp::start(backend);
        let (anyone, moderator) = (app.client(), app.moderator().await);
        let made = builders::draft(&app, "way").await;
        let draft = made.provider.get(&made.path).await.expect(200);
        assert_eq!((&draft.json()["status"], &draft.json()["listed_at"]), (&json!("draft"), &Value::Null));
        let created = made.provider.post("/v1/programs", &builders::program("second")).await.expect(201);
        let second = made.provider.get(created.header("location")).await.expect(200);
        assert_eq!((created.etag(), created.json()), (second.etag(), second.json()));

        let submitted = ask(&made, &moderator, "submit").await.expect(200);
        assert_eq!(submitted.json()["status"], "submitted");
        let rejected = ask(&made, &moderator, "reject").await.expect(200).json();
        assert_eq!((&rejected["status"], &rejected["status_reason"]), (&json!("draft"), &json!(REASON)));
        anyone.get(&made.path).await.problem(404, "not_found");
        let again = ask(&made, &moderator, "submit").await.expect(200).json();
        assert_eq!(again["status_reason"], Value::Null);
        let listed = ask(&made, &moderator, "list").await.expect(200);
        let first_listed = listed.json()["listed_at"].clone();
        assert!(first_listed.is_string());
        let seen = anyone.get(&made.path).await.expect(200);
        assert_eq!((seen.etag(), seen.json()), (listed.etag(), listed.json()));
        assert_eq!(listed_slugs(&anyone, "").await.len(), 1);

        ask(&made, &moderator, "suspend").await.expect(200);
        let back = ask(&made, &moderator, "reinstate").await.expect(200).json();
        assert_eq!((&back["status"], &back["listed_at"]), (&json!("listed"), &first_listed));
        assert_eq!(back["status_reason"], Value::Null);
        let ended = ask(&made, &moderator, "end").await.expect(200).json();
        assert_eq!(ended["status"], "archived");
        anyone.get(&made.path).await.problem(404, "not_found");
        assert_eq!(made.provider.get(&made.path).await.expect(200).json()["status"], "archived");
        assert!(listed_slugs(&anyone, "").await.is_empty());

        let history = made.provider.get(&format!("{}/history", made.path)).await.expect(200).json();
        let acts: Vec<_> = history["decisions"].as_array().unwrap().iter().map(|act| act["action"].as_str().unwrap()).collect();
        assert_eq!(acts, ["submit", "reject", "submit", "list", "suspend", "reinstate", "archive"]);
        assert_eq!(history["decisions"][1]["reason"], REASON);
    }

    async fn each_state_allows_what_it_allows_and_nothing_else(backend: Backend) {
        let app = TestApp::start(backend);
        let moderator = app.moderator().await;
        for (state, way) in WAYS {
            let made = in_state(&app, &moderator, way).await;
            let before = made.provider.get(&made.path).await.expect(200);
            for action in ACTIONS {
                let Some((_, _, after)) = ALLOWED.iter().find(|row| (row.0, row.1) == (state, action)) else {
                    ask(&made, &moderator, action).await.problem(409, "conflict");
                    continue;
                };
                let other = in_state(&app, &moderator, way).await;
                let done = ask(&other, &moderator, action).await.expect(200).json();
                assert_eq!(done["status"], *after, "{state} {action}");
            }
            let edit = made.provider.patch(&made.path, "*", &json!({"housing": "A room of one's own."})).await;
            if ["submitted", "archived"].contains(&state) {
                edit.problem(409, "conflict");
                let after = made.provider.get(&made.path).await.expect(200);
                assert_eq!((after.etag(), after.json()), (before.etag(), before.json()), "{state}");
            } else {
                assert_eq!(edit.expect(200).json()["status"], state);
            }
        }
    }

    async fn what_is_not_public_exists_for_its_provider_and_the_service_only(backend: Backend) {
        let app = TestApp::start(backend);
        let (moderator, admin) = (app.moderator().await, app.admin().await);
        let others = [app.client(), app.participant().await, builders::draft(&app, "other").await.provider];
        for (state, way) in WAYS {
            if ["listed", "suspended"].contains(&state) {
                continue;
            }
            let made = in_state(&app, &moderator, way).await;
            let slug = made.provider.get(&made.path).await.expect(200).json()["slug"].clone();
            let by_slug = format!("/v1/programs/{}", slug.as_str().unwrap());
            for below in ["", "/verdict", "/history", "/versions/1", "/reviews", "/red-flag-reports"] {
                for other in &others {
                    for path in [&made.path, &by_slug] {
                        other.get(&format!("{path}{below}")).await.problem(404, "not_found");
                    }
                }
            }
            for insider in [&made.provider, &moderator, &admin] {
                for below in ["", "/verdict", "/history", "/versions/1"] {
                    insider.get(&format!("{}{below}", made.path)).await.expect(200);
                }
            }
            let [_, participant, stranger] = &others;
            for below in ["/submit", "/archive"] {
                stranger.act(&format!("{}{below}", made.path)).await.problem(404, "not_found");
            }
            stranger.patch(&made.path, "*", &json!({"housing": "A room."})).await.problem(404, "not_found");
            participant.post(&format!("{by_slug}/reviews"), &builders::review(5)).await.problem(404, "not_found");
            participant.post(&format!("{by_slug}/red-flag-reports"), &builders::report()).await.problem(404, "not_found");
        }
    }

    async fn an_edit_keeps_the_former_listing_and_the_history_names_what_changed(backend: Backend) {
        let app = TestApp::start(backend);
        let (anyone, moderator) = (app.client(), app.moderator().await);
        let made = builders::draft(&app, "past").await;
        let (path, history) = (&made.path, format!("{}/history", made.path));
        let change = json!({"housing": "A room in a family's house."});
        made.provider.patch(path, "*", &change).await.expect(200);
        for action in ["submit", "list"] {
            ask(&made, &moderator, action).await.expect(200);
        }
        let before = anyone.get(path).await.expect(200).json();
        let change = json!({"housing": null, "fees": [{"amount_minor": 1, "currency": "EUR", "covers": "Tea"}]});
        let edited = made.provider.patch(path, "*", &change).await.expect(200);
        assert_eq!((&edited.json()["status"], &edited.json()["listing_version"]), (&json!("listed"), &json!(3)));
        let same = made.provider.patch(path, "*", &json!({"weeks_min": 4})).await.expect(200);
        assert_eq!((same.etag(), same.json()), (edited.etag(), edited.json()), "nothing changed");

        let versions = |body: &Value| -> Vec<(i64, Value)> {
            let all = body["versions"].as_array().unwrap().iter();
            all.map(|one| (one["version"].as_i64().unwrap(), one["changed"].clone())).collect()
        };
        let full = made.provider.get(&history).await.expect(200).json();
        assert_eq!(versions(&full), [(3, json!(["fees", "housing"])), (2, json!(["housing"])), (1, json!([]))]);
        // The public reads it from the listing on.
        let public = anyone.get(&history).await.expect(200).json();
        assert_eq!(versions(&public), [(3, json!(["fees", "housing"])), (2, json!([]))]);
        assert_eq!(public["decisions"].as_array().unwrap().len(), 1);
        assert_eq!(full["decisions"].as_array().unwrap().len(), 2);
        anyone.get(&format!("{path}/versions/1")).await.problem(404, "not_found");
        anyone.get(&format!("{path}/versions/4")).await.problem(404, "not_found");
        let first = made.provider.get(&format!("{path}/versions/1")).await.expect(200).json();
        assert_eq!(first["listing"]["housing"], Value::Null);
        let old = anyone.get(&format!("{path}/versions/2")).await.expect(200).json();
        for (member, value) in old["listing"].as_object().unwrap() {
            assert_eq!(value, &before[member], "{member}");
        }
        for body in [&full, &public] {
            let text = body.to_string();
            assert!(!text.contains(&moderator.id.unwrap().to_string()), "persons are not named: {text}");
        }
    }

    async fn of_two_edits_of_one_version_the_second_is_refused(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "two").await;
        let etag = made.provider.get(&made.path).await.expect(200).etag().to_owned();
        let first = made.provider.patch(&made.path, &etag, &json!({"weeks_max": 9})).await.expect(200);
        let second = made.provider.patch(&made.path, &etag, &json!({"weeks_max": 10})).await;
        second.problem(412, "precondition_failed");
        let now = made.provider.get(&made.path).await.expect(200);
        assert_eq!((now.etag(), &now.json()["weeks_max"]), (first.etag(), &json!(9)));
        // The provider's name is part of what the tag stands for.
        let change = json!({"name": "Provider of another name"});
        app.admin().await.patch(&format!("/v1/providers/{}", made.provider_id), "*", &change).await.expect(200);
        let renamed = app.client().get(&made.path).await.expect(200);
        assert_eq!(renamed.json()["provider"]["name"], "Provider of another name");
        assert_ne!(renamed.etag(), now.etag());
    }

    async fn rights_come_first_then_existence_then_preconditions_then_the_body(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::draft(&app, "order").await;
        let stranger = builders::draft(&app, "stranger").await.provider;
        let (anyone, participant, moderator) = (app.client(), app.participant().await, app.moderator().await);
        let edit = |client: &Client, etag: Option<&str>, body: &'static str| {
            let request = client.request("PATCH", &made.path).header("content-type", "application/merge-patch+json");
            send(match etag {
                Some(etag) => request.header("if-match", etag).body(body),
                None => request.body(body),
            })
        };
        let bad = r#"{"weeks_min": "four"}"#;
        edit(&anyone, None, bad).await.problem(401, "unauthorized");
        edit(&participant, None, bad).await.problem(403, "forbidden");
        edit(&moderator, None, bad).await.problem(403, "forbidden");
        edit(&stranger, None, bad).await.problem(404, "not_found");
        edit(&made.provider, None, bad).await.problem(428, "precondition_required");
        edit(&made.provider, Some("\"other\""), bad).await.problem(412, "precondition_failed");
        edit(&made.provider, Some("*"), bad).await.problem(422, "invalid");
        edit(&made.provider, Some("*"), "[").await.problem(400, "bad_request");
        ask(&made, &moderator, "submit").await.expect(200);
        edit(&made.provider, Some("*"), bad).await.problem(422, "invalid");
        edit(&made.provider, Some("*"), "{}").await.problem(409, "conflict");

        let (path, bad) = (format!("{}/decisions", made.path), json!({"action": "suspend", "reason": "short"}));
        let absent = "/v1/programs/0195f8a0-1c2d-7abc-8def-0123456789ab/decisions";
        anyone.post(absent, &bad).await.problem(401, "unauthorized");
        made.provider.post(absent, &bad).await.problem(403, "forbidden");
        moderator.post(absent, &bad).await.problem(404, "not_found");
        moderator.post(&path, &bad).await.problem(422, "invalid");
        moderator.post(&path, &ruling("suspend")).await.problem(409, "conflict");
    }

    async fn the_faults_of_a_listing_come_together_and_point_into_it(backend: Backend) {
        let app = TestApp::start(backend);
        let provider = builders::draft(&app, "faults").await.provider;
        let mut form = builders::program("form");
        form.as_object_mut().unwrap().remove("minimum_age");
        form["title"] = json!("Four");
        form["places"] = json!([{"country": "np", "city": "Kathmandu"}, {"country": "NP", "city": ""}]);
        form["specialties"] = json!(["internal_medicine", "magic"]);
        form["start_months"] = json!([1, 13]);
        form["safety"] = json!({"insurance": "no", "vaccination": []});
        form["fees"] = json!([{"amount_minor": -1, "currency": "EUR", "covers": "Placement"}]);
        let form_faults = [
            ("#/minimum_age", "required"), ("#/title", "too_short"), ("#/places/0/country", "bad_format"),
            ("#/places/1/city", "too_short"), ("#/specialties/1", "not_allowed"), ("#/start_months/1", "too_large"),
            ("#/safety/insurance", "too_short"), ("#/safety/vaccination", "unknown_member"),
            ("#/fees/0/amount_minor", "too_small"),
        ];
        let mut sense = builders::program("sense");
        sense["places"] = json!([{"country": "ZZ", "city": "Nowhere"}, {"country": "ZZ", "city": "Nowhere"}]);
        sense["specialties"] = json!(["surgery", "surgery"]);
        sense["start_months"] = json!([1, 2, 1]);
        sense["weeks_max"] = json!(3);
        sense["languages_required"] = json!([{"language": "es-a", "level": "b1"}, {"language": "ES-a", "level": "b2"}]);
        sense["host_sites"] = json!([{"name": "A hospital", "setting": "hospital", "country": "NP", "city": "Pokhara",
            "agreement_from": "2025-02-01", "agreement_until": "2025-01-31"}]);
        sense["safety"] = json!({"vaccinations": ["Rabies", "Rabies"]});
        sense["fees"] = json!([{"amount_minor": 1, "currency": "ZZZ", "covers": "Placement"}]);
        let scope = sense["scope"][0].clone();
        sense["scope"] = json!([scope, scope]);
        let sense_faults = [
            ("#/places/0/country", "unknown_country"), ("#/places/1/country", "unknown_country"),
            ("#/places/1", "duplicate_item"), ("#/specialties/1", "duplicate_item"),
            ("#/start_months/2", "duplicate_item"), ("#/weeks_max", "range_reversed"),
            ("#/languages_required/0/language", "invalid_language_tag"),
            ("#/languages_required/1", "duplicate_item"), ("#/host_sites/0/agreement_until", "range_reversed"),
            ("#/safety/vaccinations/1", "duplicate_item"), ("#/fees/0/currency", "unknown_currency"),
            ("#/scope/1", "duplicate_item"),
        ];
        for (listing, wanted) in [(form, &form_faults[..]), (sense, &sense_faults[..])] {
            let answer = provider.post("/v1/programs", &listing).await;
            answer.problem(422, "invalid");
            let faults = answer.faults();
            for (place, code) in wanted {
                let found = faults.iter().any(|fault| (fault.0.as_str(), fault.1.as_str()) == (*place, *code));
                assert!(found, "{place} {code} in {faults:?}");
            }
            for (place, code) in &faults {
                assert!(resolves(&listing, place, code), "{place} {code}");
            }
        }
    }

    async fn a_patch_of_a_nested_member_keeps_its_siblings(backend: Backend) {
        let app = TestApp::start(backend);
        let provider = builders::draft(&app, "nested").await.provider;
        let mut listing = builders::program("patched");
        let safety = json!({"insurance": "None yet.", "emergency_line": "+977 1 000", "vaccinations": ["Rabies", "Typhoid"]});
        listing["safety"] = safety;
        let path = provider.post("/v1/programs", &listing).await.expect(201).header("location").to_owned();
        let patched = |change: Value| {
            let (provider, path) = (provider.clone(), path.clone());
            async move { provider.patch(&path, "*", &change).await.expect(200).json() }
        };
        let body = patched(json!({"safety": {"insurance": "Medical and evacuation."}})).await;
        assert_eq!(body["safety"]["insurance"], "Medical and evacuation.");
        assert_eq!(body["safety"]["emergency_line"], "+977 1 000");
        assert_eq!(body["safety"]["vaccinations"], json!(["Rabies", "Typhoid"]));
        let body = patched(json!({"safety": {"insurance": null, "vaccinations": ["Polio"]}})).await;
        assert_eq!(body["safety"]["insurance"], Value::Null);
        assert_eq!(body["safety"]["emergency_line"], "+977 1 000");
        assert_eq!(body["safety"]["vaccinations"], json!(["Polio"]), "lists are replaced whole");
        let body = patched(json!({"safety": null})).await;
        assert_eq!((&body["safety"]["emergency_line"], &body["safety"]["vaccinations"]), (&Value::Null, &json!([])));
        for (member, value) in builders::program("patched").as_object().unwrap() {
            if value.is_string() || value.is_number() {
                assert_eq!(&body[member], value, "{member}");
            }
        }
        assert_eq!(body["supervision"]["licence_check"], "document");
    }

    async fn a_program_is_read_by_id_and_by_slug_alike(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "twin").await;
        let anyone = app.client();
        let by_id = anyone.get(&made.path).await.expect(200);
        assert_eq!(by_id.json()["slug"], "clinical-observation-twin");
        let by_slug = anyone.get("/v1/programs/clinical-observation-twin").await.expect(200);
        assert_eq!((by_id.etag(), &by_id.body), (by_slug.etag(), &by_slug.body));
        let cached = send(anyone.request("GET", &made.path).header("if-none-match", by_id.etag())).await;
        assert_eq!((cached.status, cached.body.len()), (304, 0));
        anyone.get("/v1/programs/Clinical-Observation-Twin").await.problem(404, "not_found");

        let numbered = made.provider.post("/v1/programs", &builders::program("twin")).await.expect(201).json();
        assert_eq!(numbered["slug"], "clinical-observation-twin-2");
        let mut taken = builders::program("third");
        taken["slug"] = json!("clinical-observation-twin");
        made.provider.post("/v1/programs", &taken).await.problem(409, "conflict");
        let second = format!("/v1/programs/{}", numbered["id"].as_str().unwrap());
        let steal = json!({"slug": "clinical-observation-twin"});
        made.provider.patch(&second, "*", &steal).await.problem(409, "conflict");
        for reserved in ["facets", "compare", "0195f8a0-1c2d-7abc-8def-0123456789ab"] {
            taken["slug"] = json!(reserved);
            made.provider.post("/v1/programs", &taken).await.problem(422, "invalid");
            made.provider.patch(&second, "*", &json!({"slug": reserved})).await.problem(422, "invalid");
        }
        made.provider.patch(&made.path, "*", &json!({"slug": "another-name"})).await.expect(200);
        anyone.get("/v1/programs/another-name").await.expect(200);
        anyone.get("/v1/programs/clinical-observation-twin").await.problem(404, "not_found");
    }

    async fn a_suspended_program_shows_why_and_leaves_the_lists(backend: Backend) {
        let app = TestApp::start(backend);
        let (anyone, moderator) = (app.client(), app.moderator().await);
        let made = builders::listed(&app, "pause").await;
        let stays = builders::listed(&app, "stays").await;
        assert_eq!(listed_slugs(&anyone, "").await.len(), 2);
        ask(&made, &moderator, "suspend").await.expect(200);
        let body = anyone.get(&made.path).await.expect(200).json();
        assert_eq!((&body["status"], &body["status_reason"]), (&json!("suspended"), &json!(REASON)));
        assert_eq!(body["verdict"]["notices"], json!(["suspended"]));
        let verdict = anyone.get(&format!("{}/verdict", made.path)).await.expect(200).json();
        assert_eq!(verdict["notices"], json!(["suspended"]));
        for query in ["", "&q=pause", "&country=NP", "&sort=title"] {
            assert!(!listed_slugs(&anyone, query).await.contains(&"clinical-observation-pause".to_owned()), "{query}");
        }
        assert_eq!(anyone.get("/v1/programs/facets").await.expect(200).json()["total"], 1);
        let both = format!("/v1/programs/compare?ids={},{}", made.program_id, stays.program_id);
        assert_eq!(anyone.get(&both).await.expect(200).json()["data"][0]["verdict"]["notices"], json!(["suspended"]));
        let participant = app.participant().await;
        participant.post(&format!("{}/reviews", made.path), &builders::review(5)).await.problem(409, "conflict");
        participant.post(&format!("{}/red-flag-reports", made.path), &builders::report()).await.expect(201);
        ask(&made, &moderator, "reinstate").await.expect(200);
        assert_eq!(listed_slugs(&anyone, "").await.len(), 2);
    }
}
