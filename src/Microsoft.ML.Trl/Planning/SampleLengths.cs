using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>Reads data as the methods do, for the lengths of its rows.</summary>
/// <param name="model">Tells the tokenizer and the context.</param>
internal sealed class SampleLengths(ModelDescription model)
{
    private readonly TextTokenizer _tokenizer = model.Tokenizer();
    private readonly RowCounts _counts = new();

    /// <summary>Lengths of the rows that a method learns from.</summary>
    /// <param name="options">Checked.</param>
    /// <param name="data">Read once.</param>
    /// <exception cref="ArgumentException">Columns or rows cannot be learnt from; the message names them.</exception>
    public TextLengths Of(TrainingOptions options, IDataView data) => TextLengths.OfRows(options switch
    {
        SftOptions sft => Sft(sft, data),
        DpoOptions dpo => [.. Sides(new PreferenceReader(data, dpo.Columns).ReadCut(Codec, Limit(dpo.MaxLength), _counts, default))],
        RewardOptions reward =>
            [.. Sides(new PreferenceReader(data, reward.Columns).ReadFitting(Codec, Limit(reward.MaxLength), _counts, default))],
        PpoOptions ppo => Ppo(ppo, data),
        _ => Texts((TextClassificationOptions)options, data),
    });

    private TextCodec Codec => new(_tokenizer, model.Config);

    private int Limit(int? given) => Math.Min(given ?? int.MaxValue, model.Config.ContextLength);

    private (int Length, int Labels)[] Sft(SftOptions options, IDataView data)
    {
        int limit = Limit(options.MaxLength);
        List<TokenExample> examples = new SftReader(data, options).Read(Codec, limit, _counts, default);
        IEnumerable<TokenExample[]> rows = SftRows.Prepare(examples, options with { MaxLength = limit });
        return [.. rows.Select(row => (row.Sum(text => text.Ids.Length), row.Sum(text => text.LearnedTokens())))];
    }

    private static IEnumerable<(int Length, int Labels)> Sides(IEnumerable<PreferenceExample> pairs) => pairs.SelectMany(pair =>
        new[] { pair.Chosen, pair.Rejected }.Select(answer => (pair.Prompt.Length + answer.Length, answer.Length)));

    private (int Length, int Labels)[] Ppo(PpoOptions options, IDataView data)
    {
        int answer = TextLengths.Answer(options);
        List<PromptRow> prompts = new PromptReader(data, options.PromptColumnName, options.Conversations).Read(Codec, _counts, default);
        return [.. prompts.Select(row => (Math.Min(row.Prompt.Ids.Length + answer, model.Config.ContextLength), answer))];
    }

    private (int Length, int Labels)[] Texts(TextClassificationOptions options, IDataView data)
    {
        int limit = Limit(options.MaxLength);
        (int, int)[] rows = [.. new LabelledTextReader(data, options).Read()
            .Select(row => (Math.Min(_tokenizer.Encode(row.Text, addSpecialTokens: true).Length, limit), 1)).Where(row => row.Item1 > 0)];
        return rows.Length > 0 ? rows : throw _counts.NothingLeft();
    }
}
