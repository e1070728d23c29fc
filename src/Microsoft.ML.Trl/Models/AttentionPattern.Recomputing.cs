using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <content>Patterns of blocks whose forward pass is repeated when the tensors of the first one are gone.</content>
internal sealed partial class AttentionPattern
{
    private readonly AttentionPattern? _outer; // gets what is made here and has no gradient

    private AttentionPattern(AttentionPattern source, Tensor?[] tensors, AttentionPattern? outer)
    {
        (Batch, Length, Past, _device, _real, _outer) = (source.Batch, source.Length, source.Past, source._device, tensors[0], outer);
        (LongestText, SeesAhead, CountsPadding) = (source.LongestText, source.SeesAhead, source.CountsPadding);
        Prompts = tensors[1] is { } states ? EncodedPrompts.Over(states, tensors[2]) : null;
        RouterLoad = source.RouterLoad?.Part(tensors[3]);
        Texts = outer is not null ? source.Texts : source.Texts is { } texts ? Again(texts) : null;
        int next = 4;
        foreach ((object key, Tensor[] known) in source._known)
        {
            if (next < tensors.Length)
                _known[key] = [.. tensors[next..(next + known.Length)].Select(tensor => tensor!)];
            next += known.Length;
        }
    }

    /// <summary>All that blocks read of it, in an order to which later ones are only added; null where there is none.</summary>
    public Tensor?[] Tensors() => [_real, Prompts?.States, Prompts?.Real, RouterLoad?.Real, .. _known.Values.SelectMany(known => known)];

    /// <summary>
    /// The same pattern of other tensors, with a <see cref="RouterLoad"/> of its own. What it makes belongs to the current scope.
    /// </summary>
    /// <param name="tensors">In the place of <see cref="Tensors"/>.</param>
    /// <param name="outer">Gets what is made there and has no gradient, for the other blocks; null = it keeps all.</param>
    public AttentionPattern Over(IEnumerable<Tensor?> tensors, AttentionPattern? outer) => new(this, [.. tensors], outer);

    /// <summary>The same patterns with nothing made yet; those that are one stay one.</summary>
    private static TextRun[] Again(IReadOnlyList<TextRun> texts)
    {
        var known = new Dictionary<AttentionPattern, AttentionPattern>(ReferenceEqualityComparer.Instance);
        foreach (AttentionPattern text in texts.Select(run => run.Pattern))
            known.TryAdd(text, new AttentionPattern(text, [text._real, null, null, null], null));
        return [.. texts.Select(run => run with { Pattern = known[run.Pattern] })];
    }
}
