-- Data of every kind that a server writes at schema version 1. A later migration must keep
-- it; testdata/version1.golden shows it after all migrations.
INSERT INTO spaces (sdkappid, bucket, generation, live, quota, cap, admins)
SELECT 1400000001, b, 7, CASE WHEN b < 3 THEN 1 ELSE 0 END, 0, 0, ARRAY['administrator'] FROM generate_series(0, 1023) b;
INSERT INTO spaces (sdkappid, bucket, generation, live, quota, cap, admins)
SELECT 4294967295, b, 1, CASE WHEN b = 762 THEN 2 ELSE 0 END, 100, CASE WHEN b = 1023 THEN 100 ELSE 0 END, ARRAY['administrator', 'second'] FROM generate_series(0, 1023) b;
INSERT INTO accounts (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url, profile, deleted_ms, kicked_s, kicked_us) VALUES
    (1, 1400000001, 1700000000000, 1700000000000, 618, 'administrator', '', '', NULL, NULL, NULL, NULL),
    (2, 1400000001, 1700000000001, 1700000000009, 160, 'alice', 'Alice 爱丽丝', 'https://example.com/a.png', '{"Tag_Profile_IM_Gender": "Gender_Type_Female", "Tag_Profile_IM_Level": 9}', NULL, NULL, NULL),
    (10001, 1400000001, 1700000000002, 1700000000002, 863, 'Bob ~!', '', '', NULL, NULL, 1700000100, 1700000100123456),
    (10002, 4294967295, 1700000000003, 1700000000003, 762, 'administrator', '', '', NULL, NULL, NULL, NULL),
    (10003, 4294967295, 1700000000003, 1700000000003, 905, 'second', '', '', NULL, NULL, NULL, NULL),
    (0, 1400000001, 0, 0, 914, 'gone', '', '', NULL, 1700000200000, 1700000100, 1700000100123457);
INSERT INTO records (kind, key, value, version) VALUES
    (1, '\x0102', '\x7b7d', 41), (2, '\xff00', '\x', 42);
INSERT INTO changes (kind, slot, n) VALUES (1, 0, 5), (1, 15, 6), (-1, 3, 7);
SELECT setval('commit_numbers', 42);
SELECT setval('internal_ids', 10001);
