using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// Follows the likeliest texts of every prompt at once, all beams of all prompts in one batch: transformers' beam search, and with draws
/// its beam sampling. Call without gradients, in a scope that ends with the search.
/// </summary>
/// <param name="model">In evaluation mode.</param>
/// <param name="options">Validated, with more than one beam.</param>
/// <param name="endTokens">Tokens that end a text.</param>
/// <param name="processors">What bends scores before.</param>
/// <param name="ends">Whether a text's newest token ends it.</param>
internal sealed class BeamSearch(
    CausalLanguageModel model, GenerationOptions options, IReadOnlyList<int> endTokens, LogitsProcessors processors, RowEnds ends)
{
    private readonly int _beams = options.NumBeams;

    // As many that, even if the likeliest continuations of every beam end it, enough are left that go on.
    private readonly int _continuations = options.NumBeams * Math.Max(2, 1 + endTokens.Count);

    /// <summary>Searches.</summary>
    /// <param name="prompts">[B] token ids.</param>
    /// <param name="rows">[B] one per prompt.</param>
    /// <param name="cancel">Looked at once per token.</param>
    public GenerationResult Run(IReadOnlyList<int[]> prompts, GrowingRow[] rows, CancellationToken cancel)
    {
        BeamGroup[] groups = Array.ConvertAll(rows, row => new BeamGroup(row, options, ends));
        int most = rows.Max(row => row.Limit);
        using DecodingSession session = new(model, prompts, most);
        Tensor? context = processors.NeedsContext ? RowContext.Create([.. rows.Select(row => row.Prompt)], most, model.Device) : null;
        cancel.ThrowIfCancellationRequested();
        Tensor hidden = session.Start();
        long[] places = [.. Enumerable.Range(0, prompts.Count).SelectMany(prompt => Enumerable.Repeat((long)prompt, _beams))];
        session.Keep(places);
        Tensor order = tensor(places, device: model.Device);
        (hidden, context) = (hidden.index_select(0, order), context?.index_select(0, order));
        BeamGroup[] running = groups;
        for (int step = 0; ; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            Continuation[][] found = Continuations(hidden, context, running, step);
            hidden.Dispose();
            long[] kept = [.. running.SelectMany((group, i) => Advance(group, found[i], i))];
            running = Array.FindAll(running, group => !group.IsDone);
            if (running.Length == 0)
                return Result(groups);
            cancel.ThrowIfCancellationRequested();
            Tensor tokens = tensor(
                [.. running.SelectMany(group => group.Beams).Select(beam => (long)beam.Row.NewTokens[^1])], device: model.Device);
            if (kept.Length == found.Length * _beams)
                session.Rearrange(kept);
            else
                session.Keep(kept);
            if (context is not null)
                Replace(ref context, tensor(kept, device: model.Device));
            context?.narrow(1, step, 1).copy_(tokens.unsqueeze(-1));
            hidden = session.Next(tokens).MoveToOuterDisposeScope();
        }
    }

    /// <returns>The rows of the batch that the beams continue; none of a group that is done.</returns>
    private IEnumerable<long> Advance(BeamGroup group, Continuation[] found, int place)
    {
        int[] continued = group.Advance(found);
        return group.IsDone ? [] : continued.Select(beam => ((long)place * _beams) + beam);
    }

    /// <summary>The best continuations of each group, or those that were drawn.</summary>
    private Continuation[][] Continuations(Tensor hidden, Tensor? context, BeamGroup[] groups, int step)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor own = model.Logits(hidden).to_type(ScalarType.Float32).log_softmax(-1); // [G·beams, V]
        int vocabulary = (int)own.shape[1];
        GrowingRow[] rows = [.. groups.SelectMany(group => group.Beams).Select(beam => beam.Row)];
        Tensor scores = processors.Apply(own, context, step, rows);
        if (options.DoSample)
            scores = LogitsWarpers.ApplyToAll(scores, options, Math.Max(2, 1 + endTokens.Count));
        Tensor sums = tensor([.. groups.SelectMany(group => group.Beams).Select(beam => beam.Score)], device: own.device);
        Tensor total = (scores + sums.unsqueeze(-1)).view(groups.Length, -1); // [G, beams·V]
        int count = Math.Min(_continuations, _beams * vocabulary);
        Tensor places = (options.DoSample ? total + Noise(groups, step, total) : total).topk(count).indexes;
        double[][] read =
        [
            .. stack([
                total.gather(-1, places).to_type(ScalarType.Float64), places.to_type(ScalarType.Float64),
                own.view(groups.Length, -1).gather(-1, places).to_type(ScalarType.Float64),
            ]).cpu().data<double>().ToArray().Chunk(groups.Length * count),
        ];
        if (read[0].Any(double.IsNaN))
            throw TokenGenerator.NoToken(logitsAreNumbers: false);
        Continuation At(int i) =>
            new((int)(read[1][i] / vocabulary), (int)(read[1][i] % vocabulary), (float)read[0][i], (float)read[2][i]);
        return [.. Enumerable.Range(0, groups.Length * count).Select(At).Chunk(count)];
    }

    /// <summary>
    /// Gumbel noise: the largest of sums with it are a draw without replacement (arXiv:1903.06059). Each prompt has its own numbers.
    /// </summary>
    private static Tensor Noise(BeamGroup[] groups, int step, Tensor like)
    {
        using DisposeScope scope = NewDisposeScope();
        var uniforms = new Tensor[groups.Length];
        for (int i = 0; i < groups.Length; i++)
        {
            using var random = new Generator((ulong)(groups[i].Beams[0].Row.Random.Uniform(step) * (1UL << 53)));
            uniforms[i] = rand([like.shape[1]], ScalarType.Float64, generator: random);
        }
        return (-(-stack(uniforms).log()).log()).to_type(ScalarType.Float32).to(like.device).MoveToOuterDisposeScope();
    }

    private GenerationResult Result(BeamGroup[] groups)
    {
        int returned = options.NumReturnSequences;
        Hypothesis?[] best = [.. groups.SelectMany(group => Enumerable.Range(0, returned).Select(group.Finished.ElementAtOrDefault))];
        if (groups.Any(group => group.Finished.Count == 0))
            throw TokenGenerator.NoToken(logitsAreNumbers: true);
        return new GenerationResult(
            [.. best.Select(text => text?.Row.NewTokens.ToArray() ?? [])],
            [.. best.Select(text => text?.LogProbs ?? [])],
            [.. best.Select(text => new float[text?.LogProbs.Length ?? 0])],
            [.. best.Select(text => text?.Row.HasEnded == true)])
        {
            Scores = [.. best.Select(text => text?.Score ?? float.NegativeInfinity)],
        };
    }

    private static void Replace(ref Tensor context, Tensor rows)
    {
        using Tensor all = context;
        context = all.index_select(0, rows).MoveToOuterDisposeScope();
    }
}
