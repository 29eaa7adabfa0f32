-- Room on each page for the versions that a saga's row goes through, so that its updates stay on the page (HOT): its
-- lease ends lie on a grid, so the one indexed column that changes, `due_at`, mostly stays what it was.
alter table usher.sagas set (fillfactor = 45);
