//! Universities: imported whole, with the bad rows named, and found by name and mail domain.

use std::{fs, path::Path};

use preceptor::{
    time::Timestamp,
    universities::import::{self, Report},
};
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{Backend, TestApp},
};

fn sample() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/universities-sample.json")).unwrap()
}

fn imported(app: &TestApp, text: &str) -> Report {
    import::run(&mut app.connect(), text, Timestamp::now()).unwrap()
}

/// The names that a query finds, by pages of two.
async fn names(app: &TestApp, query: &str) -> Vec<String> {
    walk(&app.client(), &format!("/v1/universities?limit=2&{query}"), "name").await
}

on_both! {
    async fn an_import_takes_the_good_rows_and_names_the_bad_ones(backend: Backend) {
        let app = TestApp::start(backend);
        let text = sample();
        let report = imported(&app, &text);
        assert_eq!((report.added, report.updated, report.unchanged), (22, 0, 0));
        assert_eq!(names(&app, "").await.len(), 22);
        let wanted: [(&str, &[&str]); 3] = [
            ("University of Nowhere", &["domains[0]: not a domain name", "alpha_two_code: ZZ is not"]),
            ("College without Domains", &["domains: missing", "rank: no such member"]),
            ("University of Bath", &["repeats the row on line"]),
        ];
        assert_eq!(report.faults.len(), wanted.len());
        let lines: Vec<&str> = text.lines().collect();
        for (fault, (name, reasons)) in report.faults.iter().zip(wanted) {
            assert_eq!(lines[fault.line - 1].trim(), "{", "{fault}");
            assert!(lines[fault.line].contains(name), "{fault}");
            assert_eq!(fault.reasons.len(), reasons.len(), "{fault}");
            for reason in reasons {
                assert!(fault.reasons.iter().any(|found| found.starts_with(reason)), "{reason} in {fault}");
            }
        }
    }

    async fn a_second_import_changes_what_is_different_and_nothing_else(backend: Backend) {
        let app = TestApp::start(backend);
        let first = imported(&app, &sample());
        let before = app.client().get("/v1/universities?limit=100").await.expect(200).json();
        let again = imported(&app, &sample());
        assert_eq!((again.added, again.updated, again.unchanged), (0, 0, 22));
        assert_eq!(again.faults, first.faults);
        assert_eq!(app.client().get("/v1/universities?limit=100").await.expect(200).json(), before);

        let moved = sample().replace("[\"afu.edu.np\"]", "[\"afu.edu.np\", \"mail.afu.np\"]");
        let third = imported(&app, &moved);
        assert_eq!((third.added, third.updated, third.unchanged), (0, 1, 21));
        let path = "/v1/universities?domain=mail.afu.np";
        let found = app.client().get(path).await.expect(200).json();
        assert_eq!(found["data"][0]["domains"], json!(["afu.edu.np", "mail.afu.np"]));
        let old = before["data"].as_array().unwrap().iter().find(|row| row["domains"] == json!(["afu.edu.np"])).unwrap();
        assert_eq!((&found["data"][0]["id"], &found["data"][0]["created_at"]), (&old["id"], &old["created_at"]));
        assert!(import::run(&mut app.connect(), "{}", Timestamp::now()).is_err());
        assert!(import::run(&mut app.connect(), &sample()[..900], Timestamp::now()).is_err());
        assert_eq!(names(&app, "").await.len(), 22);
    }

    async fn universities_are_found_by_word_and_by_mail_domain(backend: Backend) {
        let app = TestApp::start(backend);
        imported(&app, &sample());
        let (keio, bath) = ("Keio University", "University of Bath");
        let cases: &[(&str, &[&str])] = &[
            ("q=narino", &["Antonio Nariño University"]), ("q=FUNDACAO+ometto", &["Fundação Hermínio Ometto"]),
            ("q=autónoma", &["Universidad Autónoma de Aguascalientes"]),
            ("q=w%C3%BCrttemberg", &["Duale Hochschule Baden-Württemberg Heidenheim"]),
            ("q=colleges+gateway", &["GateWay Community College", "Gateway Community College"]),
            ("q=arts+oslo", &["Oslo National Academy of Fine Arts"]), ("q=university+of+nowhere", &[]),
            ("q=---", &[]), ("domain=fho.edu.br", &["Fundação Hermínio Ometto"]),
            ("domain=mail.student.fho.edu.br", &["Fundação Hermínio Ometto"]), ("domain=FHO.edu.br", &["Fundação Hermínio Ometto"]),
            ("domain=edu.br", &[]), ("domain=otherfho.edu.br", &[]), ("domain=eacc.edu", &["East Arkansas Community College"]),
            ("domain=student.wab.edu.pl", &["Wroclaw Akademia Biznesu"]),
            ("domain=khio.no", &["National College of Art and Design", "Oslo National Academy of Fine Arts"]),
            ("domain=x.khio.no&q=oslo", &["Oslo National Academy of Fine Arts"]),
            ("country=JP", &[keio, keio]), ("country=JP&domain=a2.keio.jp", &[keio]), ("country=GB&q=bath", &[bath, bath]),
            ("country=XK", &["American University In Kosovo"]), ("country=JP&q=bath", &[]),
        ];
        for (query, found) in cases {
            assert_eq!(names(&app, query).await, *found, "{query}");
        }
        for wrong in ["domain=x", "domain=https://a.edu", "country=np", "country=ZZ", "q="] {
            app.client().get(&format!("/v1/universities?{wrong}")).await.problem(400, "invalid_parameter");
        }
        let page = app.client().get("/v1/universities?q=kosovo").await.expect(200).json();
        let read = format!("/v1/universities/{}", page["data"][0]["id"].as_str().unwrap());
        assert_eq!(app.client().get(&read).await.expect(200).json(), page["data"][0]);
        app.client().get("/v1/universities/0195f8a0-1c2d-7abc-8def-0123456789ab").await.problem(404, "not_found");
        assert_eq!(page["next_cursor"], Value::Null);
    }
}
