//! The security log: what is entered, who reads it, and that no change of it goes unseen.

use std::process::Command;

use diesel::{RunQueryDsl, sql_query};
use preceptor::{
    audit::{
        AuditKey, AuditKind, Event, append,
        store::{Outcome, append_all, verify},
    },
    db::{self, Conn},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{Backend, Setup, TestApp, builders},
};

fn event(number: usize) -> Event {
    Event { kind: AuditKind::SignedIn, actor: None, subject: format!("test:{number}") }
}

fn run(conn: &mut Conn, statement: &str) -> bool {
    let query = sql_query(statement);
    preceptor::on_each_backend!(conn, |c| query.execute(c)).is_ok()
}

/// Lets whoever may change the schema change the rows, as an intruder with the database's password would.
fn without_triggers(backend: Backend, conn: &mut Conn) {
    let statements: &[&str] = match backend {
        Backend::Sqlite => &["DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete"],
        Backend::Postgres => &["DROP TRIGGER audit_events_append_only ON audit_events"],
    };
    assert!(statements.iter().all(|statement| run(conn, statement)));
}

on_both! {
    async fn a_row_that_was_changed_removed_or_added_is_found(backend: Backend) {
        let key = AuditKey::derive(b"secret");
        let now = Timestamp::now();
        let hash = if backend == Backend::Sqlite { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        let moved = "UPDATE audit_events SET subject = 'test:3' WHERE seq = 4";
        for (what, statements, broken) in [
            ("another subject", vec![moved.to_owned()], 4),
            ("another time", vec!["UPDATE audit_events SET at = at + 1 WHERE seq = 1".to_owned()], 1),
            ("another kind", vec!["UPDATE audit_events SET kind = 'sign_in.failed' WHERE seq = 2".to_owned()], 2),
            ("another hash", vec![format!("UPDATE audit_events SET hash = {hash} WHERE seq = 5")], 5),
            ("a row less", vec!["DELETE FROM audit_events WHERE seq = 3".to_owned()], 3),
            ("the first row less", vec!["DELETE FROM audit_events WHERE seq = 1".to_owned()], 1),
            (
                "a row less, the others moved up",
                vec![
                    "DELETE FROM audit_events WHERE seq = 3".to_owned(),
                    "UPDATE audit_events SET seq = 3 WHERE seq = 4".to_owned(),
                    "UPDATE audit_events SET seq = 4 WHERE seq = 5".to_owned(),
                ],
                3,
            ),
            (
                "a row more",
                vec![format!("INSERT INTO audit_events SELECT 6, at, kind, actor_id, subject, {hash} FROM audit_events WHERE seq = 5")],
                6,
            ),
            (
                "a copied row",
                vec!["INSERT INTO audit_events SELECT 6, at, kind, actor_id, subject, hash FROM audit_events WHERE seq = 5".to_owned()],
                6,
            ),
        ] {
            let setup = Setup::migrated(backend);
            let mut conn = setup.connect();
            assert_eq!(verify(&mut conn, &key).unwrap(), Outcome::Sound { count: 0, head: String::new() });
            db::transaction(&mut conn, &|conn| append(conn, &key, &event(1), now)).unwrap();
            let more: Vec<_> = (2..=5).map(event).collect();
            db::transaction(&mut conn, &|conn| append_all(conn, &key, &more, now)).unwrap();
            let Outcome::Sound { count: 5, head } = verify(&mut conn, &key).unwrap() else { panic!("{what}") };
            assert_eq!(head.len(), 64);
            assert_eq!(verify(&mut conn, &AuditKey::derive(b"other")).unwrap(), Outcome::Broken(1));
            for statement in &statements {
                let inserts = statement.starts_with("INSERT");
                assert!(inserts || !run(&mut conn, statement), "the trigger refuses: {statement}");
            }
            assert!(matches!(verify(&mut conn, &key).unwrap(), Outcome::Sound { count: 5, .. }));
            without_triggers(backend, &mut conn);
            for statement in &statements {
                assert!(run(&mut conn, statement), "{statement}");
            }
            assert_eq!(verify(&mut conn, &key).unwrap(), Outcome::Broken(broken), "{what}");
        }
    }

    async fn a_log_that_was_cut_off_ends_with_another_hash(backend: Backend) {
        let (setup, key) = (Setup::migrated(backend), AuditKey::derive(b"secret"));
        let mut conn = setup.connect();
        let all: Vec<_> = (1..=3).map(event).collect();
        db::transaction(&mut conn, &|conn| append_all(conn, &key, &all, Timestamp::now())).unwrap();
        let Outcome::Sound { head: whole, .. } = verify(&mut conn, &key).unwrap() else { panic!() };
        without_triggers(backend, &mut conn);
        assert!(run(&mut conn, "DELETE FROM audit_events WHERE seq = 3"));
        let Outcome::Sound { count: 2, head } = verify(&mut conn, &key).unwrap() else { panic!() };
        assert_ne!(head, whole);
    }

    async fn the_command_line_tells_a_sound_log_from_a_broken_one(backend: Backend) {
        let setup = Setup::migrated(backend);
        let call = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_preceptor"));
            let output = command.args(arguments).envs(setup.variables()).output().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            (output.status.code(), text(output.stdout), text(output.stderr))
        };
        let tokens = call(&["token", "issue", "--role", "participant", "--count", "3"]).1;
        assert_eq!(tokens.lines().count(), 3);
        let (code, said, _) = call(&["audit", "verify"]);
        assert_eq!(code, Some(0));
        let hash = said.trim().rsplit(' ').next().unwrap();
        assert!(said.starts_with("3 entries") && hash.len() == 64, "{said}");
        let mut conn = setup.connect();
        without_triggers(backend, &mut conn);
        assert!(run(&mut conn, "UPDATE audit_events SET subject = 'nobody' WHERE seq = 2"));
        let (code, said, complaint) = call(&["audit", "verify"]);
        assert_eq!((code, said.as_str()), (Some(1), ""));
        assert!(complaint.contains("entry 2"), "{complaint}");
    }

    async fn rulings_and_removals_are_entered_and_admins_read_them(backend: Backend) {
        let app = TestApp::start(backend);
        let (admin, moderator) = (app.admin().await, app.moderator().await);
        let made = builders::listed(&app, "log").await;
        let author = app.participant().await;
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201);
        let review = review.header("location").to_owned();
        let hold = json!({"action": "hold", "reason": "Someone asked for a second look."});
        moderator.post(&format!("{review}/decisions"), &hold).await.expect(200);
        // What fails leaves no entry.
        moderator.post(&format!("{review}/decisions"), &hold).await.problem(409, "conflict");
        let gone = app.moderator().await;
        let path = format!("/v1/principals/{}/removal", gone.id.unwrap());
        admin.post(&path, &json!({"reason": "No longer with the team."})).await.expect(200);

        let page = admin.get("/v1/audit-events").await.expect(200).json();
        let found: Vec<_> = page["data"].as_array().unwrap().iter()
            .map(|event| (event["seq"].as_i64().unwrap(), event["kind"].as_str().unwrap(), event["subject"].as_str().unwrap()))
            .collect();
        let (of_review, of_program) = (review.rsplit('/').next().unwrap(), &made.program_id);
        let subjects = [
            format!("principal:{}", gone.id.unwrap()), format!("review:{of_review}"), format!("program:{of_program}"),
        ];
        let wanted = [
            (3, "principal.removed", subjects[0].as_str()), (2, "decision.made", subjects[1].as_str()),
            (1, "decision.made", subjects[2].as_str()),
        ];
        assert_eq!(found, wanted, "the newest first");
        assert_eq!(page["data"][1]["actor"], json!(moderator.id.unwrap()));
        assert_eq!(page["data"][0]["actor"], json!(admin.id.unwrap()));
        assert_eq!(walk(&admin, "/v1/audit-events?limit=2", "hash").await.len(), 3);
        let mut conn = app.connect();
        let key = AuditKey::derive(app.state.auth.keys().secret());
        let Outcome::Sound { count: 3, head } = verify(&mut conn, &key).unwrap() else { panic!() };
        assert_eq!(page["data"][0]["hash"], Value::String(head));
        for other in [&moderator, &author, &made.provider] {
            other.get("/v1/audit-events").await.problem(403, "forbidden");
        }
    }

    async fn rulings_at_once_make_one_chain(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "many").await;
        let mut rulings = Vec::new();
        for _ in 0..8 {
            let author = app.participant().await;
            let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201);
            rulings.push((app.moderator().await, format!("{}/decisions", review.header("location"))));
        }
        let hold = json!({"action": "hold", "reason": "Someone asked for a second look."});
        let answers = rulings.iter().map(|(moderator, path)| moderator.post(path, &hold));
        for answer in futures_util::future::join_all(answers).await {
            answer.expect(200);
        }
        let key = AuditKey::derive(app.state.auth.keys().secret());
        let outcome = verify(&mut app.connect(), &key).unwrap();
        assert!(matches!(outcome, Outcome::Sound { count: 9, .. }), "{outcome:?}");
    }
}
