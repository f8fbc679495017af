//! The moderators' queue: what waits is in it and nothing else, claims keep two from working on one thing, and what is
//! grave takes two.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{
        Answer, Backend, Client, TestApp,
        builders::{self, Listed},
        send,
    },
};

mod conflicts;
mod proposals;

const QUEUE: &str = "/v1/moderation/queue";
const KINDS: [&str; 4] = ["program", "red_flag_report", "review", "triage_entry"];
const REASON: &str = "It was looked at with care.";

struct World {
    app: TestApp,
    made: Listed,
    moderator: Client,
    other: Client,
}

/// Something that waits.
#[derive(Clone)]
struct Item {
    kind: &'static str,
    id: String,
    path: String,
    /// Whoever can take it back.
    author: Client,
}

impl Item {
    fn claim(&self) -> String {
        format!("{QUEUE}/{}/{}/claim", self.kind, self.id)
    }
}

fn ruling(action: &str) -> Value {
    let mut body = json!({"action": action, "reason": REASON});
    match action {
        "substantiate" => body["public_summary"] = json!("Students were left alone with patients at night."),
        "remediate" => body["proof"] = json!("The duty rosters of three months."),
        _ => {}
    }
    body
}

async fn decide(client: &Client, item: &Item, action: &str) -> Answer {
    let request = client.request("POST", &format!("{}/decisions", item.path)).json(&ruling(action));
    send(if item.kind == "triage_entry" { request.header("if-match", "*") } else { request }).await
}

impl World {
    async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "queue").await;
        let (moderator, other) = (app.moderator().await, app.moderator().await);
        Self { app, made, moderator, other }
    }

    async fn waiting(&self, kind: &'static str) -> Item {
        let author = self.app.participant().await;
        let (path, author) = match kind {
            "program" => {
                let draft = builders::draft(&self.app, "waits").await;
                draft.provider.act(&format!("{}/submit", draft.path)).await.expect(200);
                (draft.path, draft.provider)
            }
            "red_flag_report" => (self.report("vague_role", &author).await, author),
            "review" => {
                let mut review = builders::review(3);
                review["text"] = json!({"good": "Good, call +44 20 7946 0958."});
                let answer = author.post(&format!("{}/reviews", self.made.path), &review).await.expect(201);
                assert_eq!(answer.json()["status"], "held");
                (answer.header("location").to_owned(), author)
            }
            _ => {
                let made = builders::listed(&self.app, "signal").await;
                let told = builders::Told {
                    period: ("2024-03", "2024-04"),
                    level: "clinical",
                    tasks: json!([builders::did("vital_signs", "none", "asked")]),
                    claims: json!([]),
                };
                let (author, _) = builders::verified_review(&self.app, &made, &told, None).await;
                let path = format!("/v1/triage-entries?program={}", made.program_id);
                let list = self.moderator.get(&path).await.expect(200).json();
                (format!("/v1/triage-entries/{}", list["data"][0]["id"].as_str().unwrap()), author)
            }
        };
        Item { kind, id: path.rsplit('/').next().unwrap().to_owned(), path, author }
    }

    async fn report(&self, kind: &str, by: &Client) -> String {
        let mut report = builders::report();
        report["kind"] = json!(kind);
        let path = format!("{}/red-flag-reports", self.made.path);
        by.post(&path, &report).await.expect(201).header("location").to_owned()
    }

    /// What a moderator reads of an item, if it waits.
    async fn seen(&self, reader: &Client, item: &Item) -> Option<Value> {
        let list = reader.get(&format!("{QUEUE}?limit=100")).await.expect(200).json();
        list["data"].as_array().unwrap().iter().find(|one| one["id"] == item.id).cloned()
    }

    async fn ids(&self, filter: &str) -> Vec<String> {
        walk(&self.moderator, &format!("{QUEUE}?limit=2{filter}"), "id").await
    }

    fn claims(&self) -> i64 {
        use diesel::{QueryDsl, RunQueryDsl};
        let claims = preceptor::db::schema::moderation_claims::table;
        claims.count().get_result(&mut self.app.connect()).unwrap()
    }

    fn later(&self, seconds: i64) {
        self.app.state.clock.set(self.app.state.now().plus_seconds(seconds));
    }
}

/// What is done to something that waits, and whether it still waits then. `own:` is done by its author.
const WAYS: [(&str, &[&str], bool); 13] = [
    ("program", &["list"], false),
    ("program", &["reject"], false),
    ("review", &["publish"], false),
    ("review", &["reject"], false),
    ("review", &["own:withdraw"], false),
    ("red_flag_report", &["start_triage"], true),
    ("red_flag_report", &["start_triage", "request_info"], false),
    ("red_flag_report", &["start_triage", "request_info", "resume_triage"], true),
    ("red_flag_report", &["start_triage", "substantiate"], false),
    ("red_flag_report", &["start_triage", "unsubstantiate"], false),
    ("red_flag_report", &["own:withdraw"], false),
    ("triage_entry", &["confirm"], false),
    ("triage_entry", &["dismiss"], false),
];

on_both! {
    async fn the_queue_has_what_waits_and_nothing_that_was_decided(backend: Backend) {
        let world = World::make(backend).await;
        assert_eq!(world.ids("").await, Vec::<String>::new());
        for (kind, way, waits) in WAYS {
            let item = world.waiting(kind).await;
            assert!(world.seen(&world.moderator, &item).await.is_some(), "{kind}");
            world.moderator.act(&item.claim()).await.expect(200);
            for action in way {
                match action.strip_prefix("own:") {
                    Some(own) => item.author.act(&format!("{}/{own}", item.path)).await.expect(200),
                    None => decide(&world.moderator, &item, action).await.expect(200),
                };
                assert_eq!(world.claims(), 0, "{kind} {action}: a decision ends the claim");
            }
            let seen = world.seen(&world.moderator, &item).await;
            assert_eq!(seen.is_some(), waits, "{kind} {way:?}");
            if !waits {
                world.moderator.act(&item.claim()).await.problem(404, "not_found");
            }
        }
    }

    async fn the_queue_is_one_list_oldest_first(backend: Backend) {
        let world = World::make(backend).await;
        let mut made = Vec::new();
        for kind in ["review", "red_flag_report", "triage_entry", "program", "review", "red_flag_report"] {
            made.push(world.waiting(kind).await);
        }
        let grave = world.report("harassment_or_abuse", &world.app.participant().await).await;
        let grave = grave.rsplit('/').next().unwrap().to_owned();
        let of = |kinds: &[&str]| -> Vec<String> {
            made.iter().filter(|item| kinds.contains(&item.kind)).map(|item| item.id.clone()).collect()
        };
        let all = [of(&KINDS), vec![grave.clone()]].concat();
        assert_eq!(world.ids("").await, all);
        for kind in KINDS {
            let mut expected = of(&[kind]);
            if kind == "red_flag_report" {
                expected.push(grave.clone());
            }
            assert_eq!(world.ids(&format!("&kind={kind}")).await, expected, "{kind}");
        }
        let here = [of(&["review", "red_flag_report"]), vec![grave.clone()]].concat();
        let program = format!("&program={}", world.made.program_id);
        assert_eq!(world.ids(&program).await, here);
        let urgent = [of(&["triage_entry"]), vec![grave.clone()]].concat();
        assert_eq!(world.ids("&urgent=true").await, urgent);
        assert_eq!(world.ids("&urgent=true&kind=review").await, Vec::<String>::new());
        assert_eq!(world.ids("&urgent=false").await, of(&["review", "red_flag_report", "program"]));

        world.moderator.act(&made[1].claim()).await.expect(200);
        world.other.act(&made[3].claim()).await.expect(200);
        assert_eq!(world.ids("&claim=mine").await, [made[1].id.clone()]);
        let free: Vec<_> = all.iter().filter(|id| **id != made[1].id && **id != made[3].id).cloned().collect();
        assert_eq!(world.ids("&claim=free").await, free);
        assert_eq!(world.ids("&claim=any").await, all);
        world.moderator.get(&format!("{QUEUE}?claim=theirs")).await.problem(400, "invalid_parameter");
        // A cursor is the caller's own.
        let first = world.moderator.get(&format!("{QUEUE}?limit=1")).await.expect(200).json();
        let cursor = first["next_cursor"].as_str().unwrap();
        world.other.get(&format!("{QUEUE}?limit=1&cursor={cursor}")).await.problem(400, "invalid_cursor");
    }

    async fn an_item_leads_to_the_thing_and_to_nobody(backend: Backend) {
        let world = World::make(backend).await;
        for kind in KINDS {
            let item = world.waiting(kind).await;
            world.other.act(&item.claim()).await.expect(200);
            let seen = world.seen(&world.moderator, &item).await.unwrap();
            assert_eq!((&seen["kind"], &seen["href"]), (&json!(kind), &json!(item.path)));
            world.moderator.get(seen["href"].as_str().unwrap()).await.expect(200);
            assert!(seen["claimed_until"].is_string());
            assert_eq!(seen["claimed_by_me"], false);
            assert_eq!(world.seen(&world.other, &item).await.unwrap()["claimed_by_me"], true);
            let text = seen.to_string();
            for person in [&item.author, &world.other] {
                assert!(!text.contains(&person.id.unwrap().to_string()), "{text}");
            }
        }
    }

    async fn of_twenty_claims_one_wins(backend: Backend) {
        let world = World::make(backend).await;
        let item = world.waiting("red_flag_report").await;
        let mut moderators = Vec::new();
        for _ in 0..20 {
            moderators.push(world.app.moderator().await);
        }
        let path = item.claim();
        let answers = join_all(moderators.iter().map(|moderator| moderator.act(&path))).await;
        let won: Vec<_> = (0..20).filter(|which| answers[*which].status == 200).collect();
        assert_eq!(won.len(), 1);
        for (which, answer) in answers.iter().enumerate().filter(|(which, _)| !won.contains(which)) {
            let problem = answer.problem(409, "conflict");
            assert!(problem["detail"].as_str().unwrap().contains("Another moderator"), "{which}: {problem}");
        }
        assert_eq!(world.seen(&moderators[won[0]], &item).await.unwrap()["claimed_by_me"], true);
    }

    async fn each_state_of_a_claim_allows_what_it_allows_and_nothing_else(backend: Backend) {
        let world = World::make(backend).await;
        // What a moderator gets for claiming, giving back and deciding.
        let table = [("free", [200, 404, 200]), ("mine", [200, 204, 200]), ("another's", [409, 409, 409]),
            ("expired", [200, 404, 200])];
        for kind in KINDS {
            let action = match kind {
                "program" => "list",
                "red_flag_report" => "start_triage",
                "review" => "publish",
                _ => "dismiss",
            };
            for (state, statuses) in table {
                for (act, status) in statuses.into_iter().enumerate() {
                    let item = world.waiting(kind).await;
                    match state {
                        "free" => {}
                        "mine" => drop(world.moderator.act(&item.claim()).await.expect(200)),
                        _ => drop(world.other.act(&item.claim()).await.expect(200)),
                    }
                    if state == "expired" {
                        // Tokens hold for an hour, so the clock goes back then.
                        world.later(30 * 60);
                    }
                    let answer = match act {
                        0 => world.moderator.act(&item.claim()).await,
                        1 => world.moderator.delete(&item.claim()).await,
                        _ => decide(&world.moderator, &item, action).await,
                    };
                    assert_eq!(answer.status, status, "{kind} {state} {act}: {}", answer.text());
                    if state == "expired" {
                        world.later(-30 * 60);
                    }
                    // Nothing but reports in triage stays.
                    if world.seen(&world.moderator, &item).await.is_some() && kind != "red_flag_report" {
                        world.other.delete(&item.claim()).await;
                        world.moderator.delete(&item.claim()).await;
                    }
                }
            }
        }
    }

    async fn a_claim_is_renewed_by_its_holder_and_ends_by_the_clock(backend: Backend) {
        let world = World::make(backend).await;
        let item = world.waiting("review").await;
        let first = world.moderator.act(&item.claim()).await.expect(200).json();
        world.later(20 * 60);
        let second = world.moderator.act(&item.claim()).await.expect(200).json();
        assert!(first["claimed_until"].as_str() < second["claimed_until"].as_str());
        world.later(20 * 60);
        world.other.act(&item.claim()).await.problem(409, "conflict");
        world.later(10 * 60);
        let seen = world.seen(&world.other, &item).await.unwrap();
        assert_eq!((&seen["claimed_until"], &seen["claimed_by_me"]), (&Value::Null, &json!(false)));
        let taken = world.other.act(&item.claim()).await.expect(200).json();
        assert_eq!(taken["claimed_by_me"], true);
        decide(&world.moderator, &item, "publish").await.problem(409, "conflict");
        // What has ended is removed in time; what holds is not.
        let now = world.app.state.now();
        for (at, left) in [(now, 1), (now.plus_seconds(30 * 60), 0)] {
            preceptor::moderation::claim_store::purge(&mut world.app.connect(), at, 10).unwrap();
            assert_eq!(world.claims(), left);
        }
    }

    async fn several_decisions_are_each_made_or_refused_by_themselves(backend: Backend) {
        let world = World::make(backend).await;
        let (held, fresh) = (world.waiting("review").await, world.waiting("red_flag_report").await);
        let (claimed, done) = (world.waiting("red_flag_report").await, world.waiting("review").await);
        let asked = world.waiting("red_flag_report").await;
        world.other.act(&claimed.claim()).await.expect(200);
        decide(&world.other, &done, "publish").await.expect(200);
        for action in ["start_triage", "request_info"] {
            decide(&world.other, &asked, action).await.expect(200);
        }
        let nothing = Item { id: "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90".to_owned(), ..held.clone() };
        let plan = [
            (&held, "publish", 200), (&claimed, "start_triage", 409), (&fresh, "start_triage", 200),
            (&done, "publish", 409), (&nothing, "publish", 404), (&asked, "resume_triage", 200),
        ];
        let items = plan.map(|(item, action, _)| json!({"kind": item.kind, "id": item.id, "action": action}));
        let body = json!({"items": items, "reason": REASON});
        let key = "batch-0123456789abcdef";
        let sent = || world.moderator.bare("POST", "/v1/moderation/batch").header("idempotency-key", key).json(&body);
        let answer = send(sent()).await.expect(200);
        let results = answer.json()["results"].clone();
        for (number, (item, _, status)) in plan.iter().enumerate() {
            let result = &results[number];
            assert_eq!((&result["id"], &result["status"]), (&json!(item.id), &json!(status)), "{result}");
            assert_eq!(result["detail"].is_string(), *status != 200, "{result}");
        }
        for (item, status) in [(&held, "published"), (&fresh, "in_triage"), (&asked, "in_triage"), (&claimed, "submitted")] {
            assert_eq!(world.moderator.get(&item.path).await.expect(200).json()["status"], status);
        }
        let again = send(sent()).await.expect(200);
        assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", answer.json()));

        // A linked moderator is refused item by item.
        let provider = world.made.provider_id.parse().unwrap();
        let role = preceptor::auth::Role::Moderator;
        let linked = world.app.principal(role, |row| row.provider_id = Some(provider)).await;
        let items = json!([{"kind": "red_flag_report", "id": claimed.id, "action": "start_triage"}]);
        let refused = linked.post("/v1/moderation/batch", &json!({"items": items, "reason": REASON})).await.expect(200);
        assert_eq!(refused.json()["results"][0]["status"], 403);

        let one = json!({"kind": "review", "id": held.id, "action": "publish"});
        for (items, place, code) in [
            (json!([]), "#/items", "too_few"),
            (json!(vec![one.clone(); 51]), "#/items", "too_many"),
            (json!([one, one]), "#/items/1/id", "duplicate_item"),
            (json!([{"kind": "review", "id": held.id, "action": "start_triage"}]), "#/items/0/action", "not_applicable"),
            (json!([{"kind": "review", "id": held.id, "action": "reject"}]), "#/items/0/action", "not_allowed"),
        ] {
            let answer = world.moderator.post("/v1/moderation/batch", &json!({"items": items, "reason": REASON})).await;
            answer.problem(422, "invalid");
            assert_eq!(answer.faults(), [(place.to_owned(), code.to_owned())]);
        }
    }
}
