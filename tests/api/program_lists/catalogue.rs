//! A small catalogue: programs that differ from one another in one property each.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use preceptor::{
    db::{Conn, schema::reviews},
    ids::ProgramId,
    programs,
    reviews::model::Verification,
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::support::{Client, TestApp, builders};

/// The listed programs by slug, in the order in which they are made, and how each differs from the plain one.
pub fn differences() -> Vec<(&'static str, Value)> {
    let euros = |amount: i64| json!({"amount_minor": amount, "currency": "EUR", "covers": "Placement"});
    let dollars = json!({"amount_minor": 90_000, "currency": "USD", "covers": "Placement"});
    vec![
        ("plain", json!({})),
        ("kenya", json!({"places": [{"country": "KE", "city": "Nairobi"}]})),
        ("brazil", json!({"places": [{"country": "BR", "city": "São João"}]})),
        (
            "hosted-abroad",
            json!({"host_sites": [
            {"name": "Mulago Hospital", "setting": "hospital", "country": "UG", "city": "Kampala"}]}),
        ),
        ("surgical", json!({"specialties": ["surgery", "internal_medicine"]})),
        ("birth", json!({"specialties": ["obstetrics_gynaecology"]})),
        ("research", json!({"tracks": ["research"]})),
        ("licensed", json!({"training_levels": ["licensed"]})),
        ("spanish", json!({"languages_required": [{"language": "es-PE", "level": "b1"}]})),
        ("october", json!({"start_months": [10]})),
        ("short", json!({"weeks_min": 1, "weeks_max": 2})),
        ("cheap", json!({"fees": [euros(30_000), euros(20_000)]})),
        ("dollars", json!({"fees": [dollars.clone()]})),
        ("mixed", json!({"fees": [euros(1_000), dollars]})),
        ("free", json!({"fees": []})),
        ("young", json!({"minimum_age": 16})),
        ("worded", json!({"summary": "Students watch vaccinations in clínicas of the hill villages."})),
        ("liked", json!({})),
        ("disliked", json!({})),
        ("flagged", json!({})),
        ("elsewhere", json!({})),
    ]
}

/// The catalogue on one server.
pub struct Catalogue {
    pub app: TestApp,
    pub anyone: Client,
    pub moderator: Client,
    /// Runs all programs but `elsewhere`.
    pub provider: Client,
    pub provider_id: String,
    /// Path of the report on `flagged`, which stands.
    pub report: String,
}

/// What a program of the catalogue says of itself.
fn listing(slug: &str, difference: &Value) -> Value {
    let mut listing = builders::program(slug);
    listing["slug"] = json!(slug);
    // Other titles than slugs, so that their orders differ, and accents among them.
    let turned: String = slug.chars().rev().collect();
    listing["title"] =
        json!(format!("Año {turned}").replace('e', if slug.len().is_multiple_of(2) { "É" } else { "e" }));
    for (member, value) in difference.as_object().unwrap() {
        listing[member] = value.clone();
    }
    listing
}

impl Catalogue {
    pub async fn load(app: TestApp) -> Self {
        let (admin, moderator, anyone) = (app.admin().await, app.moderator().await, app.client());
        let mut providers = Vec::new();
        for name in ["Himal Placements", "Zanzibar Electives"] {
            let mut body = builders::provider(name);
            body["name"] = json!(name);
            let id = admin.post("/v1/providers", &body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
            providers.push((app.provider(&id).await, id));
        }
        let (provider, provider_id) = providers.remove(0);
        let report = String::new();
        let mut made = Self { app, anyone, moderator, provider, provider_id, report };
        for (slug, difference) in differences() {
            let own = if slug == "elsewhere" { &providers[0].0 } else { &made.provider };
            made.add(own, slug, &difference).await;
        }
        // These are never in a list.
        for (slug, action) in [("hidden-draft", ""), ("hidden-suspended", "suspend"), ("hidden-archived", "archive")] {
            if action.is_empty() {
                made.provider.post("/v1/programs", &listing(slug, &json!({}))).await.expect(201);
            } else {
                made.add(&made.provider, slug, &json!({})).await;
                made.decide(slug, action).await;
            }
        }
        made.report = made.judge().await;
        made
    }

    /// Makes a listed program.
    pub async fn add(&self, provider: &Client, slug: &str, difference: &Value) {
        provider.post("/v1/programs", &listing(slug, difference)).await.expect(201);
        provider.act(&format!("/v1/programs/{slug}/submit")).await.expect(200);
        self.decide(slug, "list").await;
    }

    pub async fn decide(&self, slug: &str, action: &str) {
        let decision = json!({"action": action, "reason": "Everything was checked."});
        self.moderator.post(&format!("/v1/programs/{slug}/decisions"), &decision).await.expect(200);
    }

    /// Reviews of `liked` and `disliked`, one of a verified author, and a report on `flagged`.
    async fn judge(&self) -> String {
        for (slug, ratings) in [("liked", &[5, 5, 5, 4][..]), ("disliked", &[1, 2, 1]), ("free", &[3])] {
            for rating in ratings {
                let author = self.app.participant().await;
                let path = format!("/v1/programs/{slug}/reviews");
                author.post(&path, &builders::review(*rating)).await.expect(201);
            }
        }
        let liked = self.anyone.get("/v1/programs/liked").await.expect(200).json();
        let mut conn = self.app.connect();
        verify(&mut conn, liked["id"].as_str().unwrap().parse().unwrap());
        let mut report = builders::report();
        report["kind"] = json!("unsupervised_patient_contact");
        let path = "/v1/programs/flagged/red-flag-reports";
        let report = self.app.participant().await.post(path, &report).await.expect(201).header("location").to_owned();
        let decisions = format!("{report}/decisions");
        let substantiate = json!({
            "action": "substantiate", "reason": "Two accounts agree.", "severity": "critical",
            "public_summary": "Students were left alone with patients."
        });
        for decision in [json!({"action": "start_triage", "reason": "I take this one up."}), substantiate] {
            self.moderator.post(&decisions, &decision).await.expect(200);
        }
        report
    }

    /// The slugs of one page of up to 100.
    pub async fn slugs(&self, query: &str) -> Vec<String> {
        let page = self.anyone.get(&format!("/v1/programs?limit=100{query}")).await.expect(200).json();
        assert_eq!(page["next_cursor"], Value::Null);
        column(&page, "slug")
    }
}

/// There is no operation yet that verifies an author.
fn verify(conn: &mut Conn, program: ProgramId) {
    let reviews = reviews::table.filter(reviews::program_id.eq(program));
    diesel::update(reviews).set(reviews::verification.eq(Verification::UniversityEmail)).execute(conn).unwrap();
    assert_eq!(programs::rebuild(conn, false, Timestamp::now()).unwrap(), 1);
}

/// One member of every row of a page.
pub fn column(page: &Value, member: &str) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
}

/// One member of every row of a list, read page by page by its links. `path` has a query already.
pub async fn walk(client: &Client, path: &str, member: &str) -> Vec<String> {
    let (mut rows, mut next) = (Vec::new(), path.to_owned());
    loop {
        let page = client.get(&next).await.expect(200).json();
        rows.extend(column(&page, member));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return rows,
        }
    }
}
