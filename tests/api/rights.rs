//! The rights matrix, `tests/rights.json`: who may call which operation, and which members of which body may be written
//! and seen. `docs/rights.md` is made from it: `UPDATE_DOCS=1 cargo test --test api rights`.
//!
//! An operation's row holds roles: `admin` may, `provider:own` may where it is their own, `token:own` is every role,
//! `anyone` needs no token, `anyone:public` neither, for what is public; `nobody` may come without a token, though no
//! other role's token will do; `others:hidden` answers 404 in place of 403. A body's row holds its members; `member@role,role:own` is seen by these roles only.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, sync::LazyLock};

use preceptor::{auth::Role, openapi::document};
use serde_json::{Map, Value, json};

use crate::{
    access::World,
    openapi::{Operation, operations},
    support::{Answer, Backend, Client, TestApp, builders, send},
};

pub static RIGHTS: LazyLock<Rights> = LazyLock::new(Rights::read);

/// Members that no client sets, whatever the body.
const SERVERS: [&str; 14] = [
    "id",
    "status",
    "verification",
    "verified",
    "version",
    "revision",
    "created_at",
    "updated_at",
    "role",
    "provider",
    "provider_id",
    "university_id",
    "participant_id",
    "pseudonym",
];

/// A member and the roles that see it (only of what is their own); without roles all do.
type Member = (String, Vec<(Role, bool)>);

pub struct Rights {
    /// In the order of the file.
    pub operations: Vec<(String, Row)>,
    /// Members by the schema of the request.
    writes: BTreeMap<String, Vec<String>>,
    /// Members by the schema of the answer, or of a list's items.
    reads: BTreeMap<String, Vec<Member>>,
}

/// What becomes of those whose role does not stand in the row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// 403, and 401 without a token.
    Refused,
    /// 404, and 401 without a token.
    Hidden,
    /// 403; without a token they may.
    OnlyWithoutToken,
    /// They may.
    Allowed,
    /// They may, and what is not public is left out.
    AllowedPublic,
}

/// Who may call an operation.
pub struct Row {
    /// Roles, and whether only for what is their own.
    pub roles: Vec<(Role, bool)>,
    pub others: Others,
}

impl Row {
    fn read(text: &str) -> Self {
        let mut row = Self { roles: Vec::new(), others: Others::Refused };
        for word in text.split(' ') {
            match word {
                "anyone" => row.others = Others::Allowed,
                "anyone:public" => row.others = Others::AllowedPublic,
                "nobody" => row.others = Others::OnlyWithoutToken,
                "others:hidden" => row.others = Others::Hidden,
                "token:own" => row.roles.extend(Role::ALL.iter().map(|role| (*role, true))),
                word => row.roles.push(role(word)),
            }
        }
        row
    }

    /// Whether the role stands in the row.
    pub fn allows(&self, role: Role) -> bool {
        self.roles.iter().any(|(known, _)| *known == role)
    }

    /// Whether no token is needed.
    pub fn is_open(&self) -> bool {
        !matches!(self.others, Others::Refused | Others::Hidden)
    }

    /// Whether any caller may, `None` being one without a token.
    pub fn admits(&self, role: Option<Role>) -> bool {
        matches!(self.others, Others::Allowed | Others::AllowedPublic)
            || role.map_or(self.is_open(), |role| self.allows(role))
    }
}

fn role(word: &str) -> (Role, bool) {
    let (name, own) = word.split_once(':').map_or((word, false), |(name, own)| (name, own == "own"));
    (name.parse().unwrap_or_else(|_| panic!("{word} is no role")), own)
}

impl Rights {
    fn read() -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rights.json")).unwrap();
        let file: Map<String, Value> = serde_json::from_str(&text).unwrap();
        let lines = |part: &str| -> Vec<(String, String)> {
            let all = file[part].as_object().unwrap();
            all.iter().map(|(name, row)| (name.clone(), row.as_str().unwrap().to_owned())).collect()
        };
        let words = |row: &str| row.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let member = |word: String| match word.split_once('@') {
            Some((name, roles)) => (name.to_owned(), roles.split(',').map(role).collect()),
            None => (word, Vec::new()),
        };
        let members = |row: &str| words(row).into_iter().map(member).collect();
        Self {
            operations: lines("operations").into_iter().map(|(id, row)| (id, Row::read(&row))).collect(),
            writes: lines("writes").into_iter().map(|(name, row)| (name, words(&row))).collect(),
            reads: lines("reads").into_iter().map(|(name, row)| (name, members(&row))).collect(),
        }
    }

    pub fn find(&self, operation: &str) -> Option<&Row> {
        self.operations.iter().find(|(id, _)| id == operation).map(|(_, row)| row)
    }

    pub fn of(&self, operation: &str) -> &Row {
        self.find(operation).unwrap_or_else(|| panic!("{operation} is not in the table: who may call it?"))
    }
}

fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str().and_then(|path| path.rsplit('/').next())
}

fn members(schema: &str) -> Option<Vec<String>> {
    let properties = document()["components"]["schemas"][schema]["properties"].as_object()?;
    Some(properties.keys().cloned().collect())
}

/// The schema of a request in JSON; that of a patch has the members of what it changes.
fn written(operation: &Operation) -> Option<String> {
    let contents = operation.item["requestBody"]["content"].as_object()?;
    let (_, content) = contents.iter().find(|(kind, _)| kind.ends_with("json"))?;
    let name = named(&content["schema"])?;
    Some(name.strip_suffix("Patch").map_or_else(|| name.to_owned(), |stem| format!("{stem}Input")))
}

/// The schema of an answer in JSON, and whether it is that of the items of a list.
fn shown(operation: &Operation) -> Option<(&str, bool)> {
    let mut answers = ["200", "201"].into_iter().filter_map(|status| operation.item["responses"].get(status));
    let schema = &answers.find_map(|answer| answer["content"].get("application/json"))?["schema"];
    let name = named(schema)?;
    let item = named(&document()["components"]["schemas"][name]["properties"]["data"]["items"]);
    let (name, listed) = item.map_or((name, false), |item| (item, true));
    members(name).map(|_| (name, listed))
}

#[test]
fn the_matrix_has_every_member_of_every_body() {
    let mut faults = Vec::new();
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    let mut compare = |known: Option<Vec<&String>>, name: &str| {
        let mut wanted = members(name).unwrap();
        wanted.sort_unstable();
        let mut known: Vec<_> = known.unwrap_or_default().into_iter().cloned().collect();
        known.sort_unstable();
        if known != wanted {
            faults.push(format!("\"{name}\": \"{}\"", wanted.join(" ")));
        }
    };
    for operation in operations() {
        if let Some(name) = written(&operation) {
            compare(RIGHTS.writes.get(&name).map(|row| row.iter().collect()), &name);
            writes.push(name);
        }
        if let Some((name, _)) = shown(&operation) {
            compare(RIGHTS.reads.get(name).map(|row| row.iter().map(|(member, _)| member).collect()), name);
            reads.push(name.to_owned());
        }
    }
    faults.extend(RIGHTS.writes.keys().filter(|name| !writes.contains(name)).map(|name| format!("no {name}")));
    faults.extend(RIGHTS.reads.keys().filter(|name| !reads.contains(name)).map(|name| format!("no {name}")));
    assert!(faults.is_empty(), "tests/rights.json should have:\n{}", faults.join("\n"));
}

/// Sends a body as the operation takes it.
async fn submit(world: &World, operation: &Operation, client: &Client, body: &Value) -> Answer {
    let patch = operation.method == "PATCH";
    let kind = if patch { "application/merge-patch+json" } else { "application/json" };
    let request = client.request(&operation.method, &world.path_for(operation, client)).header("content-type", kind);
    let edits = patch || operation.method == "PUT";
    let request = if edits { request.header("if-match", "*") } else { request };
    send(request.body(body.to_string())).await
}

/// The objects of an answer that have the schema that [`shown`] names.
fn objects(answer: &Answer, listed: bool) -> Vec<Map<String, Value>> {
    let body = answer.json();
    let all = if listed { body["data"].as_array().unwrap().clone() } else { vec![body] };
    all.into_iter().map(|one| one.as_object().unwrap().clone()).collect()
}

/// Calls every GET operation and notes which restricted members were seen by whom; fails where one is seen that may
/// not be, or one is absent that everybody sees.
async fn look(world: &World, role: Option<Role>, owner: bool, client: &Client, seen: &mut Vec<(String, Role)>) {
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        let Some((name, listed)) = shown(operation) else { continue };
        let answer = world.call(operation, client).await;
        if answer.status != 200 {
            continue;
        }
        let required = document()["components"]["schemas"][name]["required"].as_array().cloned().unwrap_or_default();
        for object in objects(&answer, listed) {
            for (member, roles) in &RIGHTS.reads[name] {
                let may = |role| roles.iter().any(|(known, own)| *known == role && (owner || !own));
                let may = roles.is_empty() || role.is_some_and(may);
                let there = object.contains_key(member);
                assert!(may || !there, "{} shows {member} to {role:?}, owner: {owner}", operation.id);
                let always = roles.is_empty() && required.iter().any(|name| name == member);
                assert!(there || !always, "{} lacks {member} for {role:?}", operation.id);
                if there && !roles.is_empty() {
                    seen.push((format!("{name}.{member}"), role.unwrap()));
                }
            }
            let known = |member: &String| RIGHTS.reads[name].iter().any(|(known, _)| known == member);
            assert!(object.keys().all(known), "{}: {:?}", operation.id, object.keys());
        }
    }
}

on_both! {
    async fn members_that_are_the_servers_are_refused_by_name(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        let mut tried = 0;
        for operation in operations() {
            let Some(schema) = written(&operation) else { continue };
            let own = shown(&operation).map_or_else(Vec::new, |(name, _)| members(name).unwrap());
            let mut refused: Vec<_> = SERVERS.iter().map(|name| (*name).to_owned()).chain(own).collect();
            refused.retain(|name| !RIGHTS.writes[&schema].contains(name));
            refused.sort_unstable();
            refused.dedup();
            for (role, client) in &world.identities {
                if !role.is_some_and(|role| RIGHTS.of(operation.id).allows(role)) {
                    continue;
                }
                for member in &refused {
                    let answer = submit(&world, &operation, client, &json!({(member.as_str()): "listed"})).await;
                    answer.problem(422, "invalid");
                    let named = (format!("#/{member}"), "unknown_member".to_owned());
                    assert!(answer.faults().contains(&named), "{} {member}: {}", operation.id, answer.text());
                    tried += 1;
                }
            }
        }
        assert!(tried > 150, "{tried}");
    }

    async fn each_role_sees_the_members_that_the_matrix_says(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        let provider = format!("/v1/providers/{}", world.listed.provider_id);
        let address = json!({"contact_email": "office@example.org"});
        world.listed.provider.patch(&provider, "*", &address).await.expect(200);
        let strangers = [
            (Role::Provider, builders::draft(&app, "stranger").await.provider),
            (Role::Participant, app.participant().await),
        ];
        let mut seen = Vec::new();
        for held in [false, true] {
            if held {
                let hold = json!({"action": "hold", "reason": "Someone asked for a second look."});
                app.moderator().await.post(&format!("{}/decisions", world.review), &hold).await.expect(200);
            }
            for (role, client) in &world.identities {
                look(&world, *role, true, client, &mut seen).await;
            }
            for (role, client) in &strangers {
                look(&world, Some(*role), false, client, &mut seen).await;
            }
        }
        for (name, row) in &RIGHTS.reads {
            for (member, roles) in row {
                for (role, _) in roles {
                    assert!(seen.contains(&(format!("{name}.{member}"), *role)), "{role} never saw {name}.{member}");
                }
            }
        }
    }
}

const INTRODUCTION: &str = "\
# Rights

Made from `tests/rights.json`, which the tests hold the service to: every operation by every role, every member that
only the service sets, every member that only some may see. `UPDATE_DOCS=1 cargo test --test api rights` writes it.

## Operations

yes: may; own: for what is their own; public: for what is public; 404: for them it does not exist; empty: 403, or 401
without a token. `introspect_token` asks for a client's secret or an admin's token in a way of its own (sign-in.md).

| operation | no token |";

const WRITTEN: &str = "

## Members that clients write

Every other member is refused with 422 and its name.

| body | members |
| --- | --- |";

const SHOWN: &str = "

## Members that are shown

Whoever may read the body sees all of them, but for those with roles in brackets.

| body | members |
| --- | --- |";

/// `docs/rights.md`.
fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    for role in Role::ALL {
        write!(page, " {role} |").unwrap();
    }
    page += "\n| --- |";
    page += &" --- |".repeat(Role::ALL.len() + 1);
    for (id, row) in &RIGHTS.operations {
        let rest = match row.others {
            Others::Allowed => "yes",
            Others::AllowedPublic => "public",
            Others::Hidden => "404",
            Others::Refused | Others::OnlyWithoutToken => "",
        };
        let nobody = match row.others {
            Others::OnlyWithoutToken => "yes",
            _ if row.is_open() => rest,
            _ => "",
        };
        write!(page, "\n| `{id}` | {nobody} |").unwrap();
        for role in Role::ALL {
            let cell = match row.roles.iter().find(|(known, _)| known == role) {
                Some((_, true)) => "own",
                Some((_, false)) => "yes",
                None => rest,
            };
            write!(page, " {cell} |").unwrap();
        }
    }
    page += WRITTEN;
    for (name, row) in &RIGHTS.writes {
        write!(page, "\n| `{name}` | {} |", row.join(", ")).unwrap();
    }
    page += SHOWN;
    for (name, row) in &RIGHTS.reads {
        let each = row.iter().map(|(member, roles)| {
            let roles = roles.iter().map(|(role, own)| format!("{}{role}", if *own { "own " } else { "" }));
            let roles = roles.collect::<Vec<_>>().join(", ");
            if roles.is_empty() { member.clone() } else { format!("{member} ({roles})") }
        });
        write!(page, "\n| `{name}` | {} |", each.collect::<Vec<_>>().join(", ")).unwrap();
    }
    page + "\n"
}

#[test]
fn the_page_about_rights_says_what_the_matrix_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rights.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == page, "docs/rights.md is not up to date; run the tests with UPDATE_DOCS=1");
}
