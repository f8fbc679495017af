//! Kill -9 while reviews are written: what was answered 201 is there afterwards, and nothing is half
//! done.

use std::time::Duration;

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Text},
};
use futures_util::future::join_all;
use preceptor::{
    auth::{
        Keys, Role, Tokens,
        principals::{self, Principal},
    },
    db::{self, Conn},
    ids::PrincipalId,
    programs,
    time::Timestamp,
};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::support::{
    Backend, Client, TestApp, builders,
    process::{ISSUER, Process},
};

const ROUNDS: u32 = 30;
const AUTHORS: usize = 12;

/// The same moments in every run.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros(5_000 + (self.0 >> 33) % 150_000)
    }
}

/// Posts reviews, each by a new person, until the service is gone; the ids of those answered 201.
async fn write_until_killed(authors: Vec<Client>, path: &str, begun: &Notify) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for author in authors {
        let request = author.request("POST", path).json(&builders::review(4));
        let Ok(answer) = request.send().await else { break };
        let status = answer.status().as_u16();
        let Ok(body) = answer.json::<serde_json::Value>().await else { break };
        assert_eq!(status, 201, "{body}");
        acknowledged.push(body["id"].as_str().unwrap().to_owned());
        begun.notify_one();
    }
    acknowledged
}

on_both! {
    async fn what_was_acknowledged_survives_kill_9(backend: Backend) {
        // The program is made by the operations that people use; then the processes take over.
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "crash").await;
        let setup = app.stop();
        let path = format!("{}/reviews", made.path);
        let keys = Keys::load_or_create(&setup.dir.path().join("data")).unwrap();
        let tokens = Tokens::new(keys, ISSUER);
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        let mut moments = Moments(7);
        let mut acknowledged = Vec::new();
        let mut published = 0;
        for round in 0..ROUNDS {
            let process = Process::start(&setup, &http).await;
            let people = new_people(&mut setup.connect(), &tokens, AUTHORS * 40);
            let client = Client::new(http.clone(), process.base.clone(), None);
            let begun = Notify::new();
            let writers = people.chunks(40).map(|tokens| {
                let authors = tokens.iter().map(|token| client.with_token(token)).collect();
                write_until_killed(authors, &path, &begun)
            });
            let moment = moments.next();
            // Counted from the first answer: a process that has just started takes its time.
            let killing = async {
                begun.notified().await;
                tokio::time::sleep(moment).await;
                process.kill();
            };
            let (answered, ()) = futures_util::future::join(join_all(writers), killing).await;
            acknowledged.extend(answered.into_iter().flatten());

            // What is stored agrees with itself, before any start could mend it.
            let mut conn = setup.connect();
            settle(&mut conn).await;
            let different = programs::rebuild(&mut conn, true, Timestamp::now()).unwrap();
            assert_eq!(different, 0, "round {round}: aggregates are half-written");
            let now = count_published(&mut conn);
            assert!(now >= published, "round {round}: reviews were lost");
            published = now;
        }
        let process = Process::start(&setup, &http).await;
        let client = Client::new(http.clone(), process.base.clone(), None);
        assert!(acknowledged.len() > 60, "only {} reviews were written", acknowledged.len());
        eprintln!("{} reviews were acknowledged and {published} are there", acknowledged.len());
        for id in &acknowledged {
            let answer = client.get(&format!("/v1/reviews/{id}")).await;
            assert_eq!(answer.status, 200, "{id} was acknowledged: {}", answer.text());
        }
        // More than were acknowledged may be there: the answers of the last ones were lost.
        assert!(published >= i64::try_from(acknowledged.len()).unwrap());
        process.kill();
    }
}

/// SQLite: the file is sound. PostgreSQL: the sessions of the dead process have ended, which may
/// still commit what they were told to commit.
async fn settle(conn: &mut Conn) {
    match conn {
        Conn::Sqlite(c) => {
            let check = sql::<Text>("SELECT * FROM pragma_integrity_check");
            assert_eq!(check.get_result::<String>(c).unwrap(), "ok");
        }
        Conn::Postgres(c) => loop {
            let others = sql::<BigInt>(
                "SELECT count(*) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            );
            if others.get_result::<i64>(c).unwrap() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        },
    }
}

pub fn new_people(conn: &mut Conn, tokens: &Tokens, count: usize) -> Vec<String> {
    let now = Timestamp::now();
    let ids: Vec<_> = (0..count).map(|_| PrincipalId::from_uuid(Uuid::now_v7())).collect();
    db::transaction(conn, &|conn| {
        for id in &ids {
            principals::insert(conn, &Principal::new(*id, Role::Participant, now))?;
        }
        Ok(())
    })
    .unwrap();
    let hour = Duration::from_hours(1);
    let issue = |id: &PrincipalId| tokens.issue(*id, Role::Participant, now, hour, Uuid::new_v4()).unwrap();
    ids.iter().map(issue).collect()
}

fn count_published(conn: &mut Conn) -> i64 {
    use preceptor::db::schema::reviews::dsl;
    dsl::reviews.filter(dsl::status.eq("published")).count().get_result(conn).unwrap()
}
