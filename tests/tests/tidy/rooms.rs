//! The rules inside the crates: which room may know which, and no circle of more than five files.
//!
//! What is read is `use` and written paths, followed to the file that defines the name. Tests are left out.

use super::{
    graph::Graph,
    layers::{CRATES, LAYERS, NAMES_DEV, NEVERS},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// The most files of a circle. So few can be read together, as one thing that was cut into files.
const CIRCLE_FILES_MAX: usize = 5;

static GRAPH: LazyLock<Graph> = LazyLock::new(|| Graph::of(CRATES));

#[test]
fn each_room_knows_only_those_below_it() {
    let graph = &*GRAPH;
    let mut wrong = Vec::new();
    for (house, layers) in LAYERS {
        let places = places(layers);
        let path: Vec<&str> = house.split("::").collect();
        let rooms: BTreeSet<&str> = graph.files.iter().filter_map(|file| file.room_of(&path)).collect();
        for room in rooms.iter().filter(|room| !places.contains_key(*room)) {
            wrong.push(format!(
                "`{house}` has a new room `{room}`: put it into `LAYERS` in tests/tests/tidy/layers.rs, one layer above \
                 the highest room that it must know"
            ));
        }
        for room in places.keys().filter(|room| !rooms.contains(*room)) {
            wrong.push(format!("`{house}` has no room `{room}` any more: take it out of `LAYERS`"));
        }
        for (from, to) in graph.edges.keys() {
            let rooms = (graph.files[*from].room_of(&path), graph.files[*to].room_of(&path));
            let (Some(one), Some(other)) = rooms else { continue };
            let (Some(own), Some(its)) = (places.get(one), places.get(other)) else { continue };
            if own != its && own.layer <= its.layer {
                let told = graph.describe(*from, *to);
                wrong.push(format!(
                    "in `{house}` `{one}` must not know `{other}`; move what both need into a room below: {told}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn some_rooms_never_learn_of_others() {
    let graph = &*GRAPH;
    let mut wrong = Vec::new();
    for (room, other, why) in NEVERS {
        let inside = |house: &str| {
            let path: Vec<&str> = house.split("::").collect();
            let files = graph.files.iter().enumerate().filter(|(_, file)| file.is_in(&path));
            let files: BTreeSet<usize> = files.map(|(at, _)| at).collect();
            assert!(
                !files.is_empty(),
                "there is no `{house}` any more: `NEVERS` must name what took its place"
            );
            files
        };
        let (from, to) = (inside(room), inside(other));
        if let Some(way) = graph.way_between(|at| from.contains(&at), |at| to.contains(&at)) {
            wrong.push(format!("`{room}` must never know `{other}`, for {why}: {way:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_two_commands_know_the_crate_for_development() {
    let graph = &*GRAPH;
    let is_ours = |at: usize| ["dev", "tests", "bench"].contains(&graph.files[at].own_crate());
    let wrong: Vec<String> = graph
        .edges
        .keys()
        .filter(|(from, to)| graph.files[*to].own_crate() == "dev" && !is_ours(*from))
        .filter(|(from, _)| graph.files[*from].path != NAMES_DEV)
        .map(|(from, to)| graph.describe(*from, *to))
        .collect();
    assert!(wrong.is_empty(), "production knows no demonstration: {wrong:#?}");
}

#[test]
fn no_circle_has_more_than_five_files() {
    let graph = &*GRAPH;
    let large = graph.circles().into_iter().filter(|circle| circle.len() > CIRCLE_FILES_MAX);
    let told: Vec<String> = large
        .map(|circle| {
            let files: Vec<&str> = circle.iter().map(|at| graph.files[*at].path.as_str()).collect();
            let way = graph.way_round(&circle);
            format!("{} files: {files:#?}\na way round: {way:#?}", circle.len())
        })
        .collect();
    assert!(
        told.is_empty(),
        "move what one of them takes from another into a file below both:\n{}",
        told.join("\n")
    );
}

/// Where a room stands. Rooms that are joined stand at the same place.
#[derive(PartialEq)]
struct Place {
    layer: usize,
    group: &'static str,
}

fn places(layers: &[&'static str]) -> BTreeMap<&'static str, Place> {
    let groups = layers
        .iter()
        .enumerate()
        .flat_map(|(layer, groups)| groups.split_whitespace().map(move |group| (layer, group)));
    groups
        .flat_map(|(layer, group)| group.split('+').map(move |room| (room, Place { layer, group })))
        .collect()
}
