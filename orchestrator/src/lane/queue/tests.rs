//! What goes into a batch.

use super::*;
use crate::{lane::input::Resume, machine::Places};

fn queue(scope: BatchScope) -> Arc<Queue> {
    Arc::new(Queue::new(&Settings { batch_scope: scope, ..Settings::default() }, Arc::default()))
}

fn saga(bucket: &str) -> SagaId {
    SagaId::new_in(Bucket::of_key(bucket))
}

fn resume(saga: SagaId) -> Resume {
    Resume { saga, token: 7, lease: None, place: None }
}

#[test]
fn each_kind_has_its_share_of_every_batch() {
    let queue = queue(BatchScope::Database);
    (0..100).for_each(|_| queue.resume(resume(saga("one"))));
    (0..3).for_each(|_| queue.wake(saga("one")));
    let wakes = |groups: Vec<Group>| groups.iter().filter(|group| group.resume.is_empty()).count();
    let batches: Vec<Vec<Group>> = (0..3).map(|_| queue.take(8)).collect();
    assert!(batches.iter().all(|groups| groups.len() == 8), "what a kind doesn't need is left to the others");
    assert_eq!(batches.into_iter().map(wakes).collect::<Vec<_>>(), [2, 1, 0]);
}

#[test]
fn where_a_batch_has_one_bucket_the_buckets_take_turns() {
    let queue = queue(BatchScope::Bucket);
    (0..100).for_each(|_| queue.wake(saga("busy")));
    let quiet = saga("quiet");
    queue.wake(quiet);
    assert_eq!(queue.take(8).len(), 8);
    let second: Vec<SagaId> = queue.take(8).iter().map(|group| group.id).collect();
    assert_eq!(second, [quiet]);
    assert_eq!(queue.take(8).len(), 8);
}

#[test]
fn what_is_put_off_counts_and_comes_with_the_next_input_of_its_saga() {
    let queue = queue(BatchScope::Database);
    let one = saga("one");
    queue.put_off(vec![Input::Resume(resume(one))], 3, Some(Duration::from_secs(3600)));
    assert!(queue.take(8).is_empty() && !queue.is_idle());
    assert_eq!(queue.lock().counts, [1, 0, 0, 0]);
    queue.wake(one);
    let groups = queue.take(8);
    assert_eq!((groups.len(), groups[0].resume.len(), groups[0].put_off), (1, 1, 4));
    queue.finish_work();
    assert!(queue.is_idle());
    assert_eq!(queue.lock().counts, [0; 4]);
}

#[test]
fn who_may_have_stopped_a_lane_is_taken_alone() {
    let queue = queue(BatchScope::Database);
    let sagas: Vec<SagaId> = (0..3).map(|_| saga("one")).collect();
    sagas.iter().for_each(|saga| queue.wake(*saga));
    queue.culprits.suspect([sagas[1]]);
    let batches: Vec<usize> = (0..3).map(|_| queue.take(8).len()).collect();
    assert_eq!(batches, [1, 1, 1]);
    queue.culprits.settle(sagas[1]);
    sagas.iter().for_each(|saga| queue.wake(*saga));
    assert_eq!(queue.take(8).len(), 3);
}

#[test]
fn a_place_goes_to_the_next_in_line_and_a_full_line_takes_nobody_more() {
    let queue = queue(BatchScope::Database);
    let line = queue.clone();
    let places = Places::new(1, move |saga, token, place| line.give_place(saga, token, place));
    let place = places.take("bank").expect("one is free");
    assert!(places.take("bank").is_none());
    assert!(places.take("bell").is_some(), "another service has its own");
    let waiting: Vec<SagaId> = (0..20).map(|_| saga("one")).collect();
    waiting.iter().for_each(|saga| places.wait("bank", *saga, 7));
    drop(place);
    let mut served = 0;
    while let [group] = &queue.take(1)[..] {
        assert_eq!((group.id, group.has_place(7)), (waiting[served], Some("bank")));
        served += 1;
    }
    assert_eq!(served, 16, "so many stand in line for one place");
    assert!(places.take("bank").is_some());
}
