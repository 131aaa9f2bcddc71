-- name: priced
-- (cost_nanos, cost_source, price_version) of a row. Lambdas over arrays of one element give a value a name inside one expression.
-- The engine spends about 50 microseconds on each function of a statement before it runs, so this is written with few of them.
arrayMap((card, told) -> arrayMap((flags, parts) -> arrayMap((charged, input) ->
    arrayMap((known, by_sender, atto) ->
        (
            multiIf(by_sender, /*slot:sender*/, known, toNullable(toInt64(intDiv(atto + 500000000, 1000000000))), NULL),
            multiIf(by_sender, 'sender', known, if(bitTest(flags, 1), 'own price', 'price'), empty(arrayFilter(count -> isNotNull(count), told)), 'none', 'unknown'),
            if(known AND NOT by_sender, {card_versions:Array(String)}[card], '')
        ),
        -- The counts can be true, and the price asks for nothing that was not told: where cost_nanos() in rates.py answers with a number.
        [bitTest(flags, 0)
            AND isNotNull(coalesce(told[1], told[2], told[3], told[4], told[5], told[6], told[7]))
            AND arrayAll(count -> ifNull(count, 0) BETWEEN 0 AND 10000000000, told)
            AND arrayMin(charged) >= 0
            AND NOT (parts[3] > 0 AND parts[1] + parts[2] > 0)
            AND NOT (bitTest(flags, 4) AND ifNull(told[3], 0) + ifNull(told[5], 0) > 0)
            AND (isNotNull(told[6]) OR NOT bitTest(flags, 2))
            AND (isNotNull(told[7]) OR NOT bitTest(flags, 3))],
        -- A sender's zero for a call without tokens is what some say when they do not know.
        [ifNull(/*slot:sender*/, -1) >= empty(arrayFilter(count -> isNotNull(count), told))],
        -- The tier is one of the whole request.
        [arraySum(
            (count, rate) -> toInt128(count) * rate,
            charged,
            {tier_rates:Array(Array(Int64))}[{card_tier:Array(UInt32)}[card] + arrayCount(above -> input > above, {card_above:Array(Array(Int64))}[card])]
        )]
    )[1],
    [arrayConcat(parts, [ifNull(told[6], 0) - parts[1] - parts[2] - parts[3], ifNull(told[7], 0) - parts[4] - parts[5], 1])],
    [ifNull(told[6], 0)]
    )[1],
    [{card_flags:Array(UInt8)}[card]],
    -- A part that is charged like its whole stays inside the whole.
    [arrayMap((count, apart) -> ifNull(count, 0) * apart, arraySlice(told, 1, 5), {card_apart:Array(Array(UInt8))}[card])]
    )[1],
    -- The card that holds at the span's start: place 1 of every array is "no price". Most models' price never changes, their arrays are empty.
    arrayMap(pair ->
        {pair_card:Array(UInt32)}[pair]
            + arrayCount(moment -> moment <= start_ns, {pair_starts:Array(Array(Int64))}[pair]) * (length({pair_hours:Array(Array(Int64))}[pair]) + 1)
            + arrayCount(moment -> moment <= positiveModulo(start_ns, 86400000000000), {pair_hours:Array(Array(Int64))}[pair]),
        [transform(
            hex(concat(toString(project_id), '\0', provider, '\0', model_answered, '\0', model_asked)),
            {pair_keys:Array(String)}, {pair_places:Array(UInt32)}, toUInt32(1)
        )]
    ),
    [[cache_read_tokens, cache_write_tokens, audio_input_tokens, reasoning_tokens, audio_output_tokens,
        coalesce(input_tokens, uncached_tokens + ifNull(cache_read_tokens, 0) + ifNull(cache_write_tokens, 0)), output_tokens,
        uncached_tokens]]
)[1]
