#!/usr/bin/env escript
%% Started by erlang.py. Rows as in serve.hpp; "messages" in place of "calls" are messages between two processes, in which
%% the caller keeps no table of open calls. `erpc` runs each call in a process of its own.
-module(peer_echo).
-mode(compile).
-export([main/1, same/1, answer/0]).

-define(SERVER, 'server@127.0.0.1').

same(Term) -> Term.

answer() ->
  receive {From, Term} -> From ! Term end,
  answer().

main(["server"]) ->
  register(echo, spawn(fun answer/0)),
  io:format("there~n"),
  eof = io:get_line(""),
  halt();
main(["client"]) ->
  true = net_kernel:connect_node(?SERVER),
  io:format("ready round_trip calls erpc_round_trip erpc_calls bulk~n"),
  serve().

serve() ->
  case io:get_line("") of
    eof -> halt();
    Line ->
      [Row, Count] = string:lexemes(string:trim(Line), " "),
      Times = row(Row, list_to_integer(Count)),
      io:format("~s~n", [lists:join(" ", [io_lib:format("~.3f", [T]) || T <- Times])]),
      serve()
  end.

row("round_trip", N) -> Message = binary:copy(<<"x">>, 64), times(N, fun() -> ask(Message) end);
row("erpc_round_trip", N) ->
  Message = binary:copy(<<"x">>, 64),
  times(N, fun() -> erpc:call(?SERVER, ?MODULE, same, [Message]) end);
row("bulk", N) -> Values = binary:copy(<<1.0/float>>, 8388608), times(N, fun() -> erpc:call(?SERVER, erlang, byte_size, [Values]) end);
row("calls", N) ->
  [time(fun() ->
    Open = min(N, 1000),
    [tell(1) || _ <- lists:seq(1, Open)],
    [begin take(), tell(1) end || _ <- lists:seq(1, N - Open)],
    [take() || _ <- lists:seq(1, Open)]
  end)];
row("erpc_calls", N) ->
  [time(fun() ->
    Open = min(N, 1000),
    Begin = fun() -> erpc:send_request(?SERVER, ?MODULE, same, [1]) end,
    First = queue:from_list([Begin() || _ <- lists:seq(1, Open)]),
    Last = lists:foldl(fun(_, Queue) ->
      {{value, Call}, Rest} = queue:out(Queue),
      erpc:receive_response(Call),
      queue:in(Begin(), Rest)
    end, First, lists:seq(1, N - Open)),
    [erpc:receive_response(Call) || Call <- queue:to_list(Last)]
  end)].

tell(Term) -> {echo, ?SERVER} ! {self(), Term}.
take() -> receive Answer -> Answer end.
ask(Term) -> tell(Term), take().

time(Action) ->
  Start = erlang:monotonic_time(nanosecond),
  Action(),
  (erlang:monotonic_time(nanosecond) - Start) / 1000.
times(N, Action) -> [time(Action) || _ <- lists:seq(1, N)].
