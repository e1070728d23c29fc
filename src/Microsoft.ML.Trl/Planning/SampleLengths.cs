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
        UnpairedOptions unpaired => Unpaired(unpaired, data),
        PreferenceOptions preferences => Preferences(preferences, data),
        RewardOptions reward =>
            [.. Sides(new PreferenceReader(data, reward.Columns).ReadFitting(Codec, Limit(reward.MaxLength), _counts, default))],
        PpoOptions ppo => Prompts(options, data, ppo.PromptColumnName, ppo.Conversations),
        GroupOptions groups => Prompts(options, data, groups.PromptColumnName, groups.Conversations),
        OnlinePairOptions online => Prompts(options, data, online.PromptColumnName, online.Conversations),
        RaftOptions raft => Prompts(options, data, raft.PromptColumnName, raft.Conversations),
        GkdOptions { ReadsCompletions: false } gkd => Written(gkd, data),
        TextDistillationOptions texts => Distillation(texts, data),
        PrmOptions prm => [.. new StepReader(data, prm).Read(_tokenizer, Limit(prm.MaxLength), _counts, default)
            .Select(row => new RowLength(row.Tokens.Ids.Length, row.Tokens.Ends.Length))],
        _ => Texts((TextClassificationOptions)options, data),
    });

    private TextCodec Codec => new(_tokenizer, model.Config);

    private int Limit(int? given) => Math.Min(given ?? int.MaxValue, model.Config.ContextLength);

    private RowLength[] Sft(SftOptions options, IDataView data)
    {
        int limit = Limit(options.MaxLength);
        List<TokenExample> examples = new SftReader(data, options).Read(Codec, limit, _counts, default);
        IEnumerable<TokenExample[]> rows = SftRows.Prepare(examples, options with { MaxLength = limit });
        return [.. rows.Select(row => new RowLength(row.Sum(text => text.Ids.Length), row.Sum(text => text.LearnedTokens())))];
    }

    private RowLength[] Unpaired(UnpairedOptions options, IDataView data) =>
        [.. new UnpairedReader(data, options).Read(Codec, Limit(options.MaxLength), _counts, default)
            .Select(row => new RowLength(row.Length, row.Completion.Length, row.Prompt.Length))];

    private RowLength[] Preferences(PreferenceOptions options, IDataView data)
    {
        List<PreferenceExample> pairs = new PreferenceReader(data, options.Columns)
            .ReadCut(Codec, Limit(options.MaxLength), _counts, default, options.LongestAnswer);
        return [.. Sides(pairs, options.Layout.WithPromptOfChosen)];
    }

    private static IEnumerable<RowLength> Sides(IEnumerable<PreferenceExample> pairs, bool learnsPrompts = false)
    {
        foreach ((int[] prompt, int[] chosen, int[] rejected, _) in pairs)
        {
            yield return new(prompt.Length + chosen.Length, chosen.Length + (learnsPrompts ? prompt.Length : 0), prompt.Length);
            yield return new(prompt.Length + rejected.Length, rejected.Length, prompt.Length);
        }
    }

    private RowLength[] Distillation(TextDistillationOptions options, IDataView data)
    {
        bool writes = options is GkdOptions { Writes: true };
        List<DistillationRow> rows = new DistillationReader(data, options).Read(Codec, Limit(options.MaxLength), writes, _counts, default);
        IEnumerable<RowLength> read = rows.Select(row => new RowLength(row.Text.Ids.Length, row.Text.LearnedTokens()));
        return [.. writes ? read.Concat(rows.Select(row => Written((GkdOptions)options, row))) : read];
    }

    private RowLength[] Written(GkdOptions options, IDataView data)
    {
        var prompts = new PromptReader(data, options.PromptColumnName, options.Conversations);
        return [.. DistillationReader.ReadPrompts(prompts, Codec, Limit(options.MaxLength), _counts, default)
            .Select(row => Written(options, row))];
    }

    private RowLength Written(GkdOptions options, DistillationRow row)
    {
        int prompt = row.Prompt.Length, length = Math.Min(prompt + options.MaxNewTokens, Limit(options.MaxLength));
        return new RowLength(length, Math.Max(1, length - prompt));
    }

    private RowLength[] Prompts(TrainingOptions options, IDataView data, string column, ConversationOptions? conversations)
    {
        PlannedSampling sampling = PlannedSampling.Of(options)!;
        return [.. new PromptReader(data, column, conversations).Read(Codec, _counts, default).Select(row =>
        {
            int prompt = Math.Min(row.Prompt.Ids.Length, sampling.LongestPrompt ?? int.MaxValue);
            int length = Math.Min(prompt + sampling.NewTokens, model.Config.ContextLength);
            return new RowLength(length, sampling.LearnsPrompts ? length : length - prompt, prompt);
        })];
    }

    private RowLength[] Texts(TextClassificationOptions options, IDataView data)
    {
        int limit = Limit(options.MaxLength);
        RowLength[] rows = [.. new LabelledTextReader(data, options).Read()
            .Select(row => new RowLength(Math.Min(_tokenizer.Encode(row.Text, addSpecialTokens: true).Length, limit), 1))
            .Where(row => row.Length > 0)];
        return rows.Length > 0 ? rows : throw _counts.NothingLeft();
    }
}
