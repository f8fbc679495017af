//! What holds for every operation and every schema, added to the collected document in one place.

use serde_json::{Map, Value, json};

use super::{example, idempotency, oauth};
use crate::http::ProblemCode;

/// One-line text: no control characters, no line breaks, no overrides of text direction (U+202A-202E, U+2066-2069).
const LINE: &str = "^[^\\u0000-\\u001F\\u007F-\\u009F\\u202A-\\u202E\\u2066-\\u2069]*$";
/// Longer text may also have tabs and line breaks.
const TEXT: &str = "^[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F-\\u009F\\u202A-\\u202E\\u2066-\\u2069]*$";
/// Texts of up to this many characters are one line.
const LINE_LENGTH: u64 = 300;
/// What a text is bounded by where its type says nothing: the largest input text.
const TEXT_LENGTH: u64 = 10_000;
/// What a list is bounded by where its type says nothing.
const ITEMS: u64 = 1000;

/// The one operation on what a body names.
const REDEMPTION: &str = "/v1/participation-codes/redemption";

/// Completes the document.
pub(super) fn complete(document: &mut Value) {
    document["servers"] = json!([{
        "url": "/", "description": "This server (local, test, staging or production).", "x-internal": false
    }]);
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        let whole = schemas.clone();
        for (name, schema) in schemas.iter_mut() {
            if name.ends_with("Patch") {
                *schema = partial(schema, &whole);
            }
            bound(schema);
        }
    }
    let mut paths = document["paths"].take();
    if let Some(paths) = paths.as_object_mut() {
        let links = links(paths);
        for (path, item) in paths.iter_mut() {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                complete_operation(path, method, operation, &links);
            }
        }
    }
    document["paths"] = paths;
    document["components"]["securitySchemes"] = security_schemes();
    document["components"]["headers"] = headers();
    document["components"]["responses"] = responses(document);
    example::fill(document);
}

/// One scheme per role, so that a tool can hold a token for each.
fn security_schemes() -> Value {
    let roles = crate::auth::Role::ALL.iter().map(|role| {
        let description = format!(
            "An access token of the role {role}: a JWT as RFC 9068 describes, signed with ES256, verified as RFC8725 \
             recommends. {}It is made by `preceptor token issue --role {role}`.",
            oauth::source(*role)
        );
        let scheme = json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": description});
        (role.as_str().to_owned(), scheme)
    });
    Value::Object(roles.collect())
}

/// The schema of a merge patch (RFC 7396): no member is required at any depth, and those that the whole document may
/// lack may be null, which takes them away. Lists are replaced whole, so their items stay as they are.
fn partial(schema: &Value, schemas: &Map<String, Value>) -> Value {
    if let Some(target) = schema["$ref"].as_str().and_then(|path| schemas.get(path.rsplit('/').next()?)) {
        return if target["type"] == "object" { partial(target, schemas) } else { schema.clone() };
    }
    let mut schema = schema.clone();
    let Some(members) = schema.as_object_mut().filter(|members| members.get("type") == Some(&json!("object"))) else {
        return schema;
    };
    let required = members.remove("required").unwrap_or_default();
    let required: Vec<_> = required.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, member) in members.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        let own = partial(member, schemas);
        *member = if required.contains(&name.as_str()) { own } else { nullable(own) };
    }
    schema
}

fn nullable(mut schema: Value) -> Value {
    match schema.get("type") {
        Some(Value::String(kind)) if !schema["enum"].is_array() => {
            schema["type"] = json!([kind, "null"]);
            schema
        }
        Some(Value::Array(_)) => schema,
        _ if schema["oneOf"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == "null")) => schema,
        _ => json!({"oneOf": [{"type": "null"}, schema]}),
    }
}

/// Bounds every schema: texts by length and form, numbers by format and range, lists by length.
fn bound(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            bound_one(members);
            members.values_mut().for_each(bound);
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        _ => {}
    }
}

fn bound_one(members: &mut Map<String, Value>) {
    let is = |kind: &str| {
        members
            .get("type")
            .is_some_and(|own| own == kind || own.as_array().is_some_and(|all| all.contains(&json!(kind))))
    };
    if is("string") && !members.contains_key("enum") && !members.contains_key("const") {
        let most = members.entry("maxLength").or_insert(json!(TEXT_LENGTH)).as_u64().unwrap_or(TEXT_LENGTH);
        if !members.contains_key("pattern") && !members.contains_key("format") {
            members.insert("pattern".to_owned(), json!(if most > LINE_LENGTH { TEXT } else { LINE }));
        }
    } else if is("integer") {
        let format = members.entry("format").or_insert(json!("int32")).as_str().unwrap_or("int32").to_owned();
        // 2^53 - 1: what every JSON reader holds exactly.
        let most: i64 = if format == "int64" { 9_007_199_254_740_991 } else { i64::from(i32::MAX) };
        if !members.contains_key("maximum") {
            members.insert("maximum".to_owned(), json!(most));
        }
        if !members.contains_key("minimum") {
            members.insert("minimum".to_owned(), json!(-most));
        }
    } else if is("array") && !members.contains_key("maxItems") {
        members.insert("maxItems".to_owned(), json!(ITEMS));
    }
}

fn complete_operation(path: &str, method: &str, operation: &mut Value, links: &[Link]) {
    let takes_body = operation.get("requestBody").is_some();
    let takes_form = oauth::takes_form(operation);
    // What replaces or changes a version names it. A PUT without a body sets a mark, which has no versions.
    let edits = method == "patch" || (method == "put" && takes_body);
    // Where a PUT makes what is not there yet, If-None-Match says so.
    let creates = operation["responses"].get("201").is_some();
    let puts_new = edits && creates;
    for part in ["parameters", "responses"] {
        if let Some(part) = operation.get_mut(part) {
            bound(part);
        }
    }
    if edits {
        add_conditions(operation, puts_new);
    }
    let keyed = idempotency::complete(path, method, operation);
    name_roles(operation);
    let public = operation["security"].as_array().is_none_or(|all| all.iter().all(|one| one == &json!({})));
    let is_list =
        operation["parameters"].as_array().is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "cursor"));

    let mut errors = vec![
        ProblemCode::MethodNotAllowed,
        ProblemCode::UriTooLong,
        ProblemCode::UnsupportedMediaType,
        ProblemCode::TooManyRequests,
        ProblemCode::InternalError,
        ProblemCode::Unavailable,
    ];
    if !takes_form {
        errors.extend([ProblemCode::BadRequest, ProblemCode::Unauthorized]);
        errors.extend((!public).then_some(ProblemCode::Forbidden));
    }
    if path.contains('{') {
        errors.push(ProblemCode::NotFound);
    }
    if path == REDEMPTION {
        errors.extend([ProblemCode::Forbidden, ProblemCode::NotFound, ProblemCode::Gone]);
    }
    if takes_body {
        errors.extend([ProblemCode::RequestTimeout, ProblemCode::ContentTooLarge]);
        errors.extend((!takes_form).then_some(ProblemCode::Invalid));
    }
    if (method == "post" && !takes_form) || edits || method == "put" {
        errors.push(ProblemCode::Conflict);
    }
    if keyed {
        errors.push(ProblemCode::IdempotencyKeyReused);
    }
    let declared = operation["parameters"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "If-Match"));
    if let Some(if_match) = declared {
        errors.push(ProblemCode::PreconditionFailed);
        errors.extend((if_match["required"] == true).then_some(ProblemCode::PreconditionRequired));
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, response) in responses.iter_mut() {
        let mut names = vec!["Access-Control-Allow-Origin", "RateLimit", "RateLimit-Policy", "X-Request-Id"];
        if method == "get" || edits || creates || (takes_body && !takes_form) {
            names.push("ETag");
        }
        if is_list {
            names.push("Link");
        }
        if keyed {
            names.push("Idempotency-Replayed");
        }
        if status == "201" {
            names.push("Location");
            let collection = path.rsplit('/').next().unwrap_or_default();
            let own: Map<_, _> = links
                .iter()
                .filter(|link| link.collection == collection)
                .map(|link| (link.operation.clone(), link.object()))
                .collect();
            if !own.is_empty() {
                response["links"] = Value::Object(own);
            }
        }
        response["headers"] = names.iter().map(|name| ((*name).to_owned(), header_ref(name))).collect();
    }
    if method == "get" && !path.starts_with("/docs") {
        responses.insert("304".to_owned(), json!({"$ref": "#/components/responses/not_modified"}));
    }
    if takes_form {
        oauth::refer(responses, public);
    }
    for code in errors {
        let reference = format!("#/components/responses/{code}");
        responses.entry(code.status().as_str()).or_insert_with(|| json!({"$ref": reference}));
    }
    responses.sort_keys();
}

/// The headers that name the version to be changed, or, where `puts_new`, that there is none yet.
fn add_conditions(operation: &mut Value, puts_new: bool) {
    let if_match = json!({
        "name": "If-Match", "in": "header", "required": !puts_new,
        "description": "The ETag of the version that the change was made from, or *.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^(\\*|\"[!#-~]*\")$"},
        "example": "*"
    });
    let if_none_match = json!({
        "name": "If-None-Match", "in": "header", "required": false,
        "description": "`*` in place of If-Match: make it, if it is not there yet.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 1, "pattern": "^\\*$"},
        "example": "*"
    });
    let added = [Some(if_match), puts_new.then_some(if_none_match)].into_iter().flatten();
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.extend(added),
        None => operation["parameters"] = added.collect(),
    }
}

/// `bearer` in a handler's attributes stands for a token of any role.
fn name_roles(operation: &mut Value) {
    let Some(alternatives) = operation.get_mut("security").and_then(Value::as_array_mut) else { return };
    if let Some(index) = alternatives.iter().position(|one| one.get("bearer").is_some()) {
        let roles = crate::auth::Role::ALL.iter().map(|role| json!({role.as_str(): []}));
        alternatives.splice(index..=index, roles);
    }
}

pub(super) fn header_ref(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// From a new resource to an operation on it.
struct Link {
    /// Last segment of the collection's path.
    collection: String,
    operation: String,
    parameter: String,
}

impl Link {
    fn object(&self) -> Value {
        let mut parameters = Map::new();
        parameters.insert(self.parameter.clone(), json!("$response.body#/id"));
        json!({
            "operationId": self.operation, "parameters": parameters,
            "description": format!("The new resource's id is the `{}` of this operation.", self.parameter)
        })
    }
}

/// Every operation on `/v1/{collection}/{id}`.
fn links(paths: &Map<String, Value>) -> Vec<Link> {
    let mut links = Vec::new();
    for (path, item) in paths {
        let segments: Vec<_> = path.split('/').collect();
        let ["", "v1", collection, parameter] = segments.as_slice() else { continue };
        let Some(parameter) = parameter.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else { continue };
        for method in ["get", "patch"] {
            if let Some(operation) = item[method]["operationId"].as_str() {
                links.push(Link {
                    collection: (*collection).to_owned(),
                    operation: operation.to_owned(),
                    parameter: parameter.to_owned(),
                });
            }
        }
    }
    links
}

fn headers() -> Value {
    let text = |description: &str, most: u32, pattern: &str, example: &str| {
        json!({
            "description": description, "example": example,
            "schema": {"type": "string", "maxLength": most, "pattern": pattern}
        })
    };
    json!({
        "Access-Control-Allow-Origin": text("Origins whose pages may read this; sent when Origin was.", 300, "^\\S+$", "*"),
        "RateLimit": text("What is left of each quota: r requests; whole again after t seconds.", 300, LINE, "\"default\";r=57;t=23"),
        "RateLimit-Policy": text("The quotas that apply: q requests per w seconds.", 300, LINE, "\"default\";q=600;w=60"),
        "X-Request-Id": text("The request's id, as in the server's log.", 36, "^[0-9a-f-]{36}$", "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11"),
        "ETag": text("The version of what was answered.", 200, "^(W/)?\"[!#-~]*\"$", "\"v1\""),
        "Idempotency-Replayed": text("The request came before, and this is the answer given then.", 4, "^true$", "true"),
        "Link": text("The pages `first` and `next` (RFC 8288).", 8192, LINE, "</v1/programs>; rel=\"first\""),
        "Location": text("The address of the new resource.", 500, "^/", "/v1/programs/0195f8a0-1c2d-7abc-8def-0123456789ab"),
        "WWW-Authenticate": text("The challenge (RFC 6750).", 500, LINE, "Bearer realm=\"preceptor\", error=\"invalid_token\""),
        "Allow": text("The methods of this address.", 200, LINE, "GET, HEAD, OPTIONS"),
        "Accept": text("The media type that is taken.", 200, LINE, "application/json"),
        "Retry-After": {
            "description": "Seconds to wait.", "example": 2,
            "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 90000}
        }
    })
}

fn problem_example(code: ProblemCode) -> Value {
    let mut value = json!({
        "type": code.type_uri("https://preceptor.invalid"), "title": code.title(),
        "status": code.status().as_u16(), "detail": code.remedy(),
        "instance": "urn:uuid:6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11"
    });
    if code == ProblemCode::TooManyRequests {
        value["violated-policies"] = json!(["default"]);
    }
    json!({"summary": code.title(), "value": value})
}

/// The shared error answers, those that some operation refers to.
fn responses(document: &Value) -> Value {
    let used = document["paths"].to_string();
    let mut responses = Map::new();
    for code in ProblemCode::ALL {
        let reference = format!("#/components/responses/{code}\"");
        if !used.contains(&reference) {
            continue;
        }
        let mut names = vec!["Access-Control-Allow-Origin", "RateLimit", "RateLimit-Policy", "X-Request-Id"];
        match code {
            ProblemCode::Unauthorized | ProblemCode::Forbidden => names.push("WWW-Authenticate"),
            ProblemCode::MethodNotAllowed => names.push("Allow"),
            ProblemCode::UnsupportedMediaType => names.push("Accept"),
            ProblemCode::Conflict | ProblemCode::TooManyRequests | ProblemCode::Unavailable => {
                names.push("Retry-After");
            }
            _ => {}
        }
        let headers: Map<_, _> = names.iter().map(|name| ((*name).to_owned(), header_ref(name))).collect();
        // One answer is documented per status, so it shows every type of problem that comes with it.
        let alike = ProblemCode::ALL.iter().filter(|other| other.status() == code.status());
        let examples: Map<_, _> = alike.map(|code| (code.to_string(), problem_example(*code))).collect();
        let content = json!({"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples});
        responses.insert(
            code.to_string(),
            json!({
                "description": format!("{}.", code.title()), "headers": headers,
                "content": {"application/problem+json": content}
            }),
        );
    }
    responses.insert(
        "not_modified".to_owned(),
        json!({
            "description": "What `If-None-Match` names is still current.",
            "headers": {
                "Access-Control-Allow-Origin": header_ref("Access-Control-Allow-Origin"), "ETag": header_ref("ETag"),
            }
        }),
    );
    responses.extend(oauth::responses());
    Value::Object(responses)
}
