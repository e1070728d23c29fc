namespace Microsoft.ML.Trl;

/// <summary>Settings of supervised fine-tuning, TRL's SFTConfig. Immutable; make variants with <c>with</c>.</summary>
public sealed record SftOptions : EpochOptions
{
    /// <summary>TRL's defaults.</summary>
    public SftOptions() => LearningRate = 2e-5;

    /// <summary>What a token costs.</summary>
    public SftLossType LossType { get; init; } = SftLossType.Nll;

    /// <summary>Tokens of prompt and completion together, at least 2; longer examples lose their end. Null = no cut.</summary>
    public int? MaxLength { get; init; } = 1024;

    /// <summary>Learn the completion alone. Null = yes where rows have a prompt; false = learn the prompt too.</summary>
    public bool? CompletionOnlyLoss { get; init; }

    /// <summary>
    /// Learn what the assistant says alone: the parts that the chat template's <c>{% generation %}</c> blocks write. Only for
    /// conversations: <see cref="MessagesColumnName"/>, or prompts and completions with <see cref="Conversations"/>.
    /// </summary>
    public bool AssistantOnlyLoss { get; init; }

    /// <summary>Share of the target probability spread over the vocabulary, in [0, 1). Only with <see cref="SftLossType.Nll"/>.</summary>
    public double LabelSmoothingFactor { get; init; }

    /// <summary>Fill rows of <see cref="MaxLength"/> tokens with several examples; a batch then counts such rows.</summary>
    public bool Packing { get; init; }

    /// <summary>How <see cref="Packing"/> fills them.</summary>
    public PackingStrategy PackingStrategy { get; init; } = PackingStrategy.Bfd;

    /// <summary>Fill the rows of evaluations so, too. Null = as <see cref="Packing"/> says.</summary>
    public bool? EvalPacking { get; init; }

    /// <summary>
    /// Let padding go through no layer of the network: rows of different lengths take the time and memory of their tokens. The numbers are
    /// the same but for rounding. Not for encoder-decoders. On anyway with <see cref="Packing"/>, but for wrapped rows, which are full.
    /// </summary>
    public bool PaddingFree { get; init; }

    /// <summary>
    /// Weight of the load-balancing loss of a model with experts (arXiv:2101.03961, Eq. 4); at least 0, and 0 leaves it out. Null = as the
    /// model's configuration says (<c>output_router_logits</c>, <c>router_aux_loss_coef</c>). Other models have no such loss. As in TRL it
    /// is added for each forward pass, so that <see cref="EpochOptions.GradientAccumulationSteps"/> multiply it.
    /// </summary>
    public double? RouterAuxLossCoef { get; init; } = 0.001;

    /// <summary>How the fitted stage answers prompts; null = as the model did that training began with.</summary>
    public GenerationOptions? Generation { get; init; }

    /// <summary>Text column of answers that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Completion";

    /// <summary>Text column with what comes before the completion.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Text column with what is to be learned.</summary>
    public string CompletionColumnName { get; init; } = "Completion";

    /// <summary>Text column with whole texts, read where the data have no <see cref="PromptColumnName"/>.</summary>
    public string TextColumnName { get; init; } = "Text";

    /// <summary>
    /// Text column with conversations, read before <see cref="TextColumnName"/>: each a JSON array of messages with "role" and "content",
    /// of which the tokenizer's chat template makes a text.
    /// </summary>
    public string MessagesColumnName { get; init; } = "Messages";

    /// <summary>
    /// Read prompts and completions as conversations; the fitted stage reads its prompts so too. Null, the default: as texts.
    /// <see cref="MessagesColumnName"/> holds conversations in any case.
    /// </summary>
    public ConversationOptions? Conversations { get; init; }

    /// <summary>Whether the network reads rows without their padding.</summary>
    internal bool ReadsPaddingFree => PaddingFree || (Packing && PackingStrategy != PackingStrategy.Wrapped);

    /// <summary>Columns and generation options of the fitted stage.</summary>
    internal PolicyOutput Output => new(OutputColumnName, null, PromptColumnName, Generation, Conversations);

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect().Concat(Generation?.WithoutEffect() ?? []))
            yield return unused;
        if (EvalPacking is not null && !MayEvaluate)
            yield return "EvalPacking with EvalStrategy No";
        if (!Packing && EvalPacking != true && PackingStrategy != PackingStrategy.Bfd)
            yield return "PackingStrategy without Packing";
        if (PaddingFree && !Packing && PerDeviceTrainBatchSize == 1)
            yield return "PaddingFree with PerDeviceTrainBatchSize 1";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal SftOptions Validated()
    {
        ValidateEpochs();
        Require.Known(LossType);
        Require.Known(PackingStrategy);
        Require.Below(LabelSmoothingFactor, 0, 1);
        Require.AtLeast(MaxLength, 2);
        Require.NotNegative(RouterAuxLossCoef);
        if (LabelSmoothingFactor > 0 && LossType != SftLossType.Nll)
            throw new ArgumentException(
                $"LabelSmoothingFactor ({LabelSmoothingFactor}) has no meaning with LossType {LossType}; set it to 0 or use LossType Nll.",
                nameof(LabelSmoothingFactor));
        if ((Packing || EvalPacking == true) && MaxLength is null)
            throw new ArgumentException(
                $"{(Packing ? nameof(Packing) : nameof(EvalPacking))} needs MaxLength, the tokens of a full row; it is null.",
                nameof(Packing));
        Require.Named(OutputColumnName);
        Require.Named(PromptColumnName);
        Require.Named(CompletionColumnName);
        Require.Named(TextColumnName);
        Require.Named(MessagesColumnName);
        Conversations?.Validated();
        Generation?.ValidatedForOne("a column of completions");
        return this;
    }
}
