create table {tokens} (
	app_id        text collate "C" not null,
	account_id    text collate "C" not null,
	revision      bigint not null,             -- +1 with each change
	fence         bigint not null default 0,   -- +1 with each lease
	leased_until  timestamptz,                 -- null: nobody holds the row
	state         smallint not null,           -- 0 alive, 1 needs login, 2 waiting for person, 3 deauthorized
	reason        text not null,
	fails         bigint not null,
	due_at        timestamptz,                 -- null: never
	login         text not null,
	kind          text not null,
	app_scoped_id text collate "C" not null,
	granted_at    timestamptz,                 -- null, here and below: not known
	obtained_at   timestamptz,
	expires_at    timestamptz,
	token         bytea not null,              -- the one column with secrets, sealed when the store is wrapped by seal
	-- when LeaseDue may hand the row out; null: never
	wake_at       timestamptz generated always as
		(case when state = 0 and due_at is not null then greatest(due_at, leased_until) end) stored,
	primary key (app_id, account_id)
);
create index {tokens}_wake on {tokens} (app_id, wake_at) where wake_at is not null;
create index {tokens}_due on {tokens} (app_id, state, due_at);
create index {tokens}_scoped on {tokens} (app_id, app_scoped_id) where app_scoped_id <> '';

create table {states} (
	id         bytea primary key, -- SHA-256 of the login state's ID
	expires_at timestamptz not null
);
create index {states}_expiry on {states} (expires_at);
