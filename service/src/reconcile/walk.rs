//! The walk through a window: slices, pages, the payments that no page showed, and the cases from earlier.

use super::{
    Class, Found, Ours, Report, Theirs, compare,
    reader::Reader,
    store::{
        cases::{self, Case, Seen},
        ours,
    },
};
use crate::clock::now;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use sqlx::{PgPool, Postgres, pool::PoolConnection};
use std::collections::{HashMap, HashSet};
use steps::{
    PaymentId, ReservationId,
    gateway::{Currency, Gateway, GatewayError, Intent, IntentId, PAGE_ITEMS_MAX, Window},
    store::{StoreError, gateway_references},
};
use uuid::Uuid;

/// The length of a slice. A run that breaks off repeats one slice.
const SLICE: TimeDelta = TimeDelta::minutes(15);
/// Payments of one slice that are kept in memory, 16 bytes each. A slice with more is cut in half, down to a second.
const PAYMENTS_A_SLICE_MAX: usize = 500_000;
/// Payments that one statement looks up.
const PAYMENTS_A_STATEMENT: usize = 500;
/// Intents with news of refunds that are kept in memory. A window with more must be split.
const REFUNDED_MAX: usize = 200_000;
/// Cases from earlier that one statement reads.
const CASES_A_PAGE: i64 = 100;
/// How many cases from earlier the gateway may fail at before the check ends: each of them costs all retries of a
/// reader.
const CASES_FAILED_MAX: usize = 5;

/// What a run compares.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The window's first moment.
    pub since: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
    /// A payment that changed less than this long ago is in flight.
    pub settled_after: TimeDelta,
    /// Whether cases are opened and resolved.
    pub write_cases: bool,
}

/// Why a run broke off. What it had found is still in its report and its cases.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The gateway could not be read.
    #[error("reading the gateway's books")]
    Gateway(#[from] GatewayError),
    /// Ours could not be read or written.
    #[error("reading our books")]
    Database(#[from] sqlx::Error),
    /// The engine's tables could not be read.
    #[error("reading our books")]
    Store(#[from] StoreError),
    /// The gateway has more news of refunds than one run can hold.
    #[error(
        "more than {REFUNDED_MAX} payments were refunded in this window; compare it in parts, with `--until`"
    )]
    TooManyRefunds,
}

/// The payment of each intent.
type Named = HashMap<IntentId, PaymentId>;
/// Payments in our books, by id.
type Books = HashMap<PaymentId, Ours>;

/// A run under way.
pub struct Walk {
    pool: PgPool,
    gateway: Reader,
    options: Options,
    started_at: DateTime<Utc>,
    /// Intents that were refunded in the window, according to the gateway, and are not compared yet.
    refunded: HashSet<IntentId>,
    report: Report,
}

impl Walk {
    /// Prepares a run. It compares nothing yet.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin(pool: PgPool, gateway: Gateway, options: Options) -> Result<Self, ReconcileError> {
        let started_at = now(&mut *pool.acquire().await?).await?;
        // Gateways keep whole seconds. With a border within a second the two sides would disagree about a slice.
        let options = Options {
            since: options.since.trunc_subsecs(0),
            until: (options.until + TimeDelta::milliseconds(999)).trunc_subsecs(0),
            ..options
        };
        let report = Report::new(gateway.provider(), options.since, options.until);
        let gateway = Reader::new(gateway);
        Ok(Self { pool, gateway, options, started_at, refunded: HashSet::new(), report })
    }

    /// The results so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Reads which older payments were refunded in the window. It runs first, so that slices remove the ones that they show.
    ///
    /// # Errors
    /// [`ReconcileError`].
    pub async fn prepare(&mut self) -> Result<(), ReconcileError> {
        let Options { since, until, .. } = self.options;
        let refunded = self.gateway.refunded(since, until, REFUNDED_MAX).await?;
        self.refunded = refunded.ok_or(ReconcileError::TooManyRefunds)?;
        Ok(())
    }

    /// Compares the next slice. False once the window has been compared.
    ///
    /// # Errors
    /// [`ReconcileError`]; the slice counts as not compared.
    pub async fn slice(&mut self) -> Result<bool, ReconcileError> {
        let from = self.report.reached;
        if from >= self.options.until {
            return Ok(false);
        }
        let (to, mut unseen) = self.our_payments(from, (from + SLICE).min(self.options.until)).await?;
        let window = Window { from, to };
        let mut after: Option<IntentId> = None;
        loop {
            let page = self.gateway.list(&window, after.as_ref()).await?;
            for payment in self.compare_intents(&page.items).await? {
                unseen.remove(&payment);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let unseen: Vec<_> = unseen.into_iter().collect();
        for payments in unseen.chunks(PAYMENTS_A_STATEMENT) {
            self.compare_payments(payments, &window).await?;
        }
        self.report.reached = to;
        self.report.sum_up();
        Ok(true)
    }

    /// Compares older payments that were refunded in the window, and looks again at cases from earlier.
    ///
    /// # Errors
    /// [`ReconcileError`].
    pub async fn finish(&mut self) -> Result<(), ReconcileError> {
        let refunded: Vec<_> = self.refunded.drain().collect();
        for ids in refunded.chunks(PAGE_ITEMS_MAX) {
            let mut intents = Vec::with_capacity(ids.len());
            for id in ids {
                intents.extend(self.gateway.read(id).await?);
            }
            self.compare_intents(&intents).await?;
        }
        if self.options.write_cases {
            self.look_at_cases_again().await?;
        }
        self.report.complete = true;
        self.report.sum_up();
        Ok(())
    }

    /// Our payments whose money moved from `from` on, and the slice's end: a crowded slice is cut short.
    async fn our_payments(
        &self,
        from: DateTime<Utc>,
        mut to: DateTime<Utc>,
    ) -> Result<(DateTime<Utc>, HashSet<PaymentId>), ReconcileError> {
        loop {
            let shortest = to - from <= TimeDelta::seconds(1);
            let most = if shortest { usize::MAX - 1 } else { PAYMENTS_A_SLICE_MAX };
            let provider = self.gateway.provider();
            match ours::moved_in(&mut *self.connection().await?, provider, from, to, most).await? {
                Some(payments) => return Ok((to, payments)),
                None => to = from + (to - from) / 2,
            }
        }
    }

    /// Compares what the gateway shows. Returns the payments of ours that it was about.
    async fn compare_intents(&mut self, intents: &[Intent]) -> Result<Vec<PaymentId>, ReconcileError> {
        if intents.is_empty() {
            return Ok(Vec::new());
        }
        let (named, books) = self.books_of(intents).await?;
        let mut seen = Vec::with_capacity(intents.len());
        let mut meant = Vec::with_capacity(intents.len());
        for intent in intents {
            self.refunded.remove(&intent.id);
            let ours = named.get(&intent.id).and_then(|payment| books.get(payment));
            let theirs = self.gateway.theirs(intent).await?;
            meant.extend(
                ours.filter(|ours| ours.reference.as_ref() == Some(&intent.id)).map(|ours| ours.payment),
            );
            seen.push(self.compare_one(intent.id.as_str(), theirs.currency, ours, Some(&theirs)));
        }
        self.record(&seen).await?;
        Ok(meant)
    }

    /// Our payments of these intents, and the payment of each intent.
    async fn books_of(&self, intents: &[Intent]) -> Result<(Named, Books), ReconcileError> {
        let mut named = self.payments_of(intents).await?;
        let ids: Vec<_> = named.values().copied().collect::<HashSet<_>>().into_iter().collect();
        let mut books = ours::load(&mut *self.connection().await?, &ids).await?;
        // Money that came in late names the payment that it was meant for, and has one of its own.
        let strays = |(intent, payment): (&IntentId, &PaymentId)| {
            let stray = books.get(payment)?.reference.as_ref() != Some(intent);
            stray.then(|| (intent.clone(), *payment))
        };
        let strays: Vec<_> = named.iter().filter_map(strays).collect();
        if !strays.is_empty() {
            let late = ours::find_late(&mut *self.connection().await?, &strays).await?;
            let ids: Vec<_> = late.values().copied().collect();
            books.extend(ours::load(&mut *self.connection().await?, &ids).await?);
            named.extend(late);
        }
        Ok((named, books))
    }

    /// The payment of each intent: the one that we have recorded for it, otherwise the one that its metadata names.
    async fn payments_of(&self, intents: &[Intent]) -> Result<Named, ReconcileError> {
        let references: Vec<_> = intents.iter().map(|intent| intent.id.to_string()).collect();
        let provider = self.gateway.provider();
        let known =
            gateway_references::find_all(&mut *self.connection().await?, provider, &references).await?;
        let payment_of = |intent: &Intent| {
            let traced = intent.trace.payment_id.map(PaymentId::from_uuid);
            known.get(intent.id.as_str()).copied().or(traced)
        };
        Ok(intents.iter().filter_map(|intent| Some((intent.id.clone(), payment_of(intent)?))).collect())
    }

    /// Compares payments of ours that no page of this slice has shown: older ones, and those that the gateway
    /// doesn't have.
    async fn compare_payments(
        &mut self,
        payments: &[PaymentId],
        slice: &Window,
    ) -> Result<(), ReconcileError> {
        let books = ours::load(&mut *self.connection().await?, payments).await?;
        let mut seen = Vec::with_capacity(books.len());
        for ours in books.values() {
            let (reference, theirs) = match &ours.reference {
                Some(id) => (id.to_string(), self.theirs(id).await?),
                None => (ours.payment.to_string(), None),
            };
            self.refunded.remove(&IntentId::new(&*reference));
            if theirs.as_ref().is_some_and(|theirs| self.has_its_own_slice(theirs.created, slice)) {
                continue;
            }
            let currency = theirs.as_ref().map_or(ours.currency, |theirs| theirs.currency);
            seen.push(self.compare_one(&reference, currency, Some(ours), theirs.as_ref()));
        }
        for seen in seen.chunks(PAYMENTS_A_STATEMENT) {
            self.record(seen).await?;
        }
        Ok(())
    }

    /// Whether another slice of this window has what was made then. If so, it is compared there, and counted once.
    fn has_its_own_slice(&self, created: DateTime<Utc>, slice: &Window) -> bool {
        let within = |from, to| from <= created && created < to;
        within(self.options.since, self.options.until) && !within(slice.from, slice.to)
    }

    /// Looks at cases that this run has not met: their difference may be gone.
    async fn look_at_cases_again(&mut self) -> Result<(), ReconcileError> {
        let (provider, mut after) = (self.gateway.provider(), Uuid::nil());
        let no_slice = Window { from: self.options.until, to: self.options.until };
        let (mut failed, mut first) = (0, None);
        loop {
            let open =
                cases::unseen(&mut *self.connection().await?, provider, self.started_at, after, CASES_A_PAGE)
                    .await?;
            let Some(last) = open.last() else { return first.map_or(Ok(()), Err) };
            after = last.id;
            for case in &open {
                match self.look_at_case_again(case, &no_slice).await {
                    // A case that the gateway fails at must not hide those behind it.
                    Err(error @ ReconcileError::Gateway(_)) if failed < CASES_FAILED_MAX => {
                        tracing::warn!(case = %case.id, %error, "a case could not be checked again");
                        failed += 1;
                        first.get_or_insert(error);
                    }
                    looked => looked?,
                }
            }
        }
    }

    async fn look_at_case_again(&mut self, case: &Case, no_slice: &Window) -> Result<(), ReconcileError> {
        match self.gateway.read(&IntentId::new(&*case.reference)).await? {
            Some(intent) if self.has_its_own_slice(intent.created, no_slice) => Ok(()),
            Some(intent) => self.compare_intents(&[intent]).await.map(drop),
            None => match self.still_called(case).await? {
                Some(payment) => self.compare_payments(&[payment], no_slice).await,
                // Neither side knows it by this name any more.
                None => self.resolve_vanished(&[(case.reference.clone(), Class::Matched)]).await,
            },
        }
    }

    /// The case's payment, if our books still have it by the case's reference.
    async fn still_called(&self, case: &Case) -> Result<Option<PaymentId>, ReconcileError> {
        let Some(payment) = case.payment_id.map(PaymentId::from_uuid) else { return Ok(None) };
        let books = ours::load(&mut *self.connection().await?, &[payment]).await?;
        let Some(ours) = books.get(&payment) else { return Ok(None) };
        let called = match &ours.reference {
            Some(id) => id.as_str() == case.reference,
            None => payment.to_string() == case.reference,
        };
        Ok(called.then_some(payment))
    }

    /// Compares one payment for the report.
    fn compare_one(
        &self,
        reference: &str,
        currency: Currency,
        ours: Option<&Ours>,
        theirs: Option<&Theirs>,
    ) -> Seen {
        let Found { class, ours: ours_minor, theirs: theirs_minor, what } =
            compare(ours, theirs, self.started_at, self.options.settled_after);
        let named = theirs.map(|theirs| theirs.trace).unwrap_or_default();
        Seen {
            reference: reference.to_owned(),
            class,
            payment: ours
                .map_or_else(|| named.payment_id.map(PaymentId::from_uuid), |ours| Some(ours.payment)),
            reservation: ours.map_or_else(
                || named.reservation_id.map(ReservationId::from_uuid),
                |ours| Some(ours.reservation),
            ),
            currency,
            ours: ours_minor,
            theirs: theirs_minor,
            what,
        }
    }

    /// Writes a result into the report and the cases, which are opened, updated, or resolved because the difference is gone.
    async fn record(&mut self, seen: &[Seen]) -> Result<(), ReconcileError> {
        if self.options.write_cases {
            let differing: Vec<_> = seen.iter().filter(|seen| seen.class.is_difference()).cloned().collect();
            if !differing.is_empty() {
                let provider = self.gateway.provider();
                cases::see(&mut *self.connection().await?, provider, &differing, self.started_at).await?;
            }
            // A payment in flight or a stuck saga says nothing about an open case.
            let said = seen.iter().filter(|seen| seen.class == Class::Matched || seen.class.is_difference());
            let found: Vec<_> = said.map(|seen| (seen.reference.clone(), seen.class)).collect();
            self.resolve_vanished(&found).await?;
        }
        for seen in seen {
            self.report.add(seen);
        }
        Ok(())
    }

    async fn resolve_vanished(&mut self, found: &[(String, Class)]) -> Result<(), ReconcileError> {
        let provider = self.gateway.provider();
        let gone =
            cases::resolve_vanished(&mut *self.connection().await?, provider, found, self.started_at).await?;
        self.report.cases_vanished += gone;
        Ok(())
    }

    async fn theirs(&self, id: &IntentId) -> Result<Option<Theirs>, ReconcileError> {
        match self.gateway.read(id).await? {
            Some(intent) => Ok(Some(self.gateway.theirs(&intent).await?)),
            None => Ok(None),
        }
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.pool.acquire().await
    }
}
