-- Times are microseconds since 1970, UTC: datetime(due_at / 1000000, 'unixepoch') shows one.
create table {tokens} (
	app_id        text not null,
	account_id    text not null,
	revision      integer not null,            -- +1 with each change
	fence         integer not null default 0,  -- +1 with each lease
	leased_until  integer,                     -- null: nobody holds the row
	state         integer not null,            -- 0 alive, 1 needs login, 2 waiting for person, 3 deauthorized
	reason        text not null,
	fails         integer not null,
	due_at        integer,                     -- null: never
	login         text not null,
	kind          text not null,
	app_scoped_id text not null,
	granted_at    integer,                     -- null, here and below: not known
	obtained_at   integer,
	expires_at    integer,
	-- when LeaseDue may hand the row out; null: never
	wake_at       integer generated always as
		(case when state = 0 then max(due_at, coalesce(leased_until, due_at)) end) stored,
	token         blob not null,               -- the one column with secrets, sealed when the store is wrapped by seal
	primary key (app_id, account_id)
);
create index {tokens}_wake on {tokens} (app_id, wake_at) where wake_at is not null;
create index {tokens}_due on {tokens} (app_id, state, due_at);
create index {tokens}_scoped on {tokens} (app_id, app_scoped_id) where app_scoped_id <> '';

create table {states} (
	id         blob primary key, -- SHA-256 of the login state's ID
	expires_at integer not null
) without rowid;
create index {states}_expiry on {states} (expires_at);
