//! The body that starts a batch.

use super::super::{
    super::super::{
        extract::{Expected, Fields, FromFields, Read},
        problem::FieldError,
    },
    new_action::{Reason, Word, action},
    schema,
};
use operator::{Action, BatchId};
use serde_json::Value;
use service::operators::FilterWords;
use utoipa::ToSchema;
use uuid::Uuid;

/// The action, the sagas that it is done to, and the reason.
pub struct NewBatch {
    /// The batch's id, chosen by the caller: the same id is the same batch.
    pub id: BatchId,
    /// The filter that chooses the sagas.
    pub filter: FilterWords,
    /// The action that is done to each.
    pub action: Action,
    /// The reason; empty if the caller gave none.
    pub reason: String,
    /// How many sagas go first, if the caller says so.
    pub canary: Option<u32>,
    /// The share of bad results at which it stops, if the caller says so.
    pub stop_at_error_rate: Option<f64>,
}

/// As the document describes it.
#[derive(ToSchema)]
#[schema(as = NewBatch)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct NewBatchBody {
    /// A UUIDv7 that the caller makes, so that repeating the request makes no second batch.
    id: Uuid,
    /// The filter. The batch takes the sagas that match when it is made.
    filter: FilterBody,
    #[schema(schema_with = schema::action)]
    action: String,
    #[schema(schema_with = schema::reason_of_preview)]
    reason: Option<String>,
    /// How many sagas go first.
    #[schema(minimum = 1, maximum = 1000, default = 5)]
    canary: Option<u32>,
    /// The batch stops if a larger share of a round ends badly.
    #[schema(minimum = 0, maximum = 1, default = 0.2)]
    stop_at_error_rate: Option<f64>,
    #[schema(schema_with = schema::output)]
    output: Option<Value>,
    #[schema(schema_with = schema::until)]
    until: Option<String>,
}

/// A filter of sagas, with the parameters of `GET /operator/sagas`.
#[derive(ToSchema)]
#[schema(as = SagaFilter)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct FilterBody {
    #[schema(schema_with = schema::state)]
    status: Option<String>,
    /// Only sagas of this workflow.
    workflow: Option<String>,
    /// Only sagas at this step or signal.
    step: Option<String>,
    /// Only sagas of the group with this fingerprint.
    cause: Option<String>,
    #[schema(schema_with = schema::trouble)]
    trouble: Option<String>,
    /// Only sagas that nothing was written to for this long: `90s`, `15m`, `24h`, `7d`.
    older_than: Option<String>,
    /// Only sagas that this word finds.
    q: Option<String>,
}

/// A batch's id, made by the caller. Batches are listed in the order of their ids, so it must contain the time.
struct Drawn(BatchId);

impl std::str::FromStr for Drawn {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let id: Uuid = text.parse().map_err(drop)?;
        if id.get_version_num() == 7 { Ok(Self(BatchId::from_uuid(id))) } else { Err(()) }
    }
}

impl Expected for Drawn {
    const EXPECTED: &'static str = "a UUIDv7 that you made";
}

/// Reads the members of `filter`.
struct FilterMembers(FilterWords);

impl Read for FilterMembers {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let Value::Object(members) = value else {
            errors.push(FieldError { pointer: pointer.into(), detail: "must be an object".into() });
            return None;
        };
        Fields::nested(members.into_iter().collect(), pointer, errors)
    }
}

impl FromFields for FilterMembers {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let mut word = |name| fields.optional::<Word>(name).map(|word| word.map(|word| word.0));
        let (status, workflow, step, cause) = (word("status"), word("workflow"), word("step"), word("cause"));
        let (trouble, older_than, q) = (word("trouble"), word("older_than"), word("q"));
        Some(Self(FilterWords {
            status: status?,
            workflow: workflow?,
            step: step?,
            cause: cause?,
            trouble: trouble?,
            older_than: older_than?,
            q: q?,
        }))
    }
}

/// A number of sagas, from 1 to 1000.
struct Count(u32);

impl Read for Count {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let count =
            value.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|n| (1..=1_000).contains(n));
        if count.is_none() {
            let detail = "must be a whole number from 1 to 1000".into();
            errors.push(FieldError { pointer: pointer.into(), detail });
        }
        count.map(Self)
    }
}

/// A share of a round, from 0 to 1.
struct Rate(f64);

impl Read for Rate {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let rate = value.as_f64().filter(|rate| (0.0..=1.0).contains(rate));
        if rate.is_none() {
            errors
                .push(FieldError { pointer: pointer.into(), detail: "must be a number from 0 to 1".into() });
        }
        rate.map(Self)
    }
}

impl FromFields for NewBatch {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let (id, filter) = (fields.required::<Drawn>("id"), fields.required::<FilterMembers>("filter"));
        let reason = fields.optional::<Reason>("reason");
        let (canary, rate) =
            (fields.optional::<Count>("canary"), fields.optional::<Rate>("stop_at_error_rate"));
        let action = action(fields);
        Some(Self {
            id: id?.0,
            filter: filter?.0,
            action: action?,
            reason: reason?.map_or_else(String::new, |reason| reason.0),
            canary: canary?.map(|count| count.0),
            stop_at_error_rate: rate?.map(|rate| rate.0),
        })
    }
}
