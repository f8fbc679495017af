//! SQL put together from fixed text and values, where diesel's query builder gives up its cache of prepared statements.

use diesel::{
    backend,
    expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate},
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, Binary, Bool, HasSqlType, Integer, Text},
};
use uuid::Uuid;

use super::Conn;

/// Fixed SQL and the values between. Other than `diesel::dsl::sql`, `eq_any` and `diesel::update` it leaves the
/// statement in the cache of prepared ones, unless told not to: preparing takes about as long as running. It stands as a
/// condition in a query, or is executed as a statement.
#[derive(Debug, Clone, Default)]
pub struct Sql {
    pieces: Vec<Piece>,
    /// The text is one of very many, which would fill the cache.
    uncached: bool,
}

#[derive(Debug, Clone)]
enum Piece {
    Sql(&'static str),
    Value(Value),
}

/// A value between the pieces of SQL; each kind is named after its SQL type.
#[derive(Debug, Clone)]
pub enum Value {
    Text(String),
    Integer(i32),
    BigInt(i64),
    Id(Uuid),
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::BigInt(value)
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Id(value)
    }
}

impl Sql {
    /// `column` has one of the values, of which there must be one.
    #[must_use]
    pub fn one_of<V: Into<Value>>(column: &'static str, values: impl IntoIterator<Item = V>) -> Self {
        Self::default().sql(column).sql(" IN ").values(values)
    }

    /// Appends SQL.
    #[must_use]
    pub fn sql(mut self, sql: &'static str) -> Self {
        self.pieces.push(Piece::Sql(sql));
        self
    }

    /// Appends a value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.pieces.push(Piece::Value(value.into()));
        self
    }

    /// Appends values in parentheses, separated by commas. None at all is no valid SQL.
    #[must_use]
    pub fn values<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let mut separator = "(";
        for value in values {
            self = self.sql(separator).value(value);
            separator = ", ";
        }
        self.sql(")")
    }

    /// Appends another piece of SQL.
    #[must_use]
    pub fn append(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// Keeps the statement out of the cache.
    #[must_use]
    pub fn uncached(mut self) -> Self {
        self.uncached = true;
        self
    }
}

impl Expression for Sql {
    type SqlType = Bool;
}

impl ValidGrouping<()> for Sql {
    type IsAggregate = is_aggregate::No;
}

impl<QS> AppearsOnTable<QS> for Sql {}

impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB> QueryFragment<DB> for Sql
where
    DB: backend::Backend,
    str: ToSql<Text, DB>,
    i32: ToSql<Integer, DB>,
    i64: ToSql<BigInt, DB>,
    [u8]: ToSql<Binary, DB>,
    DB: HasSqlType<Text> + HasSqlType<Integer> + HasSqlType<BigInt> + HasSqlType<Binary>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.uncached {
            out.unsafe_to_cache_prepared();
        }
        for piece in &self.pieces {
            match piece {
                Piece::Sql(sql) => out.push_sql(sql),
                Piece::Value(Value::Text(value)) => out.push_bind_param::<Text, _>(value.as_str())?,
                Piece::Value(Value::Integer(value)) => out.push_bind_param::<Integer, _>(value)?,
                Piece::Value(Value::BigInt(value)) => out.push_bind_param::<BigInt, _>(value)?,
                Piece::Value(Value::Id(value)) => out.push_bind_param::<Binary, _>(value.as_bytes().as_slice())?,
            }
        }
        Ok(())
    }
}

impl RunQueryDsl<Conn> for Sql {}
