-- Tables of the same shape and with the same indexes as ours, for the statement written by hand.
DROP TABLE IF EXISTS bench_membership, bench_transition, bench_tally;
CREATE TABLE bench_membership (LIKE segmentation_membership INCLUDING ALL);
CREATE TABLE bench_transition (LIKE segmentation_transition INCLUDING ALL);
CREATE TABLE bench_tally (LIKE segmentation_tally INCLUDING ALL);
