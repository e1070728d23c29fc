namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>All bad inputs, by area. The entries of an area stand in a fixed order.</summary>
internal static class BadInputTable
{
    public static readonly Dictionary<string, Func<IEnumerable<BadInput>>> Areas = new()
    {
        ["training options"] = TrainingOptionInputs.All,
        ["method options"] = MethodOptionInputs.All,
        ["preference methods"] = PreferenceInputs.All,
        ["distillation"] = DistillationInputs.All,
        ["group methods"] = GroupInputs.All,
        ["ranked samples"] = RaftInputs.All,
        ["generation"] = GenerationInputs.All,
        ["constraints"] = ConstraintInputs.All,
        ["models"] = ModelInputs.All,
        ["making models"] = ModelMakingInputs.All,
        ["encoder-decoders"] = EncoderDecoderInputs.All,
        ["numerics"] = NumericsInputs.All,
        ["losses"] = LossInputs.All,
        ["data sets"] = DatasetInputs.All,
        ["data set files"] = DatasetFileInputs.All,
        ["tokenizers"] = TokenizerInputs.All,
        ["texts"] = TextInputs.All,
        ["checkpoints"] = CheckpointInputs.All,
        ["PPO steps"] = PpoInputs.All,
        ["experimental PPO"] = ExperimentalPpoInputs.All,
        ["stages"] = CatalogInputs.All,
        ["plans and averages"] = PlanInputs.All,
        ["chat templates"] = TemplateInputs.All,
        ["conversations"] = ConversationInputs.All,
        ["chat clients"] = ChatInputs.All,
        ["judges"] = JudgeInputs.All,
        ["online preference methods"] = OnlineInputs.All,
        ["classifiers"] = ClassifierInputs.All,
        ["pipelines"] = PipelineInputs.All,
        ["adapters"] = AdapterInputs.All,
        ["callbacks"] = CallbackInputs.All,
        ["memory options"] = MemoryOptionInputs.All,
        ["rewards"] = RewardInputs.All,
        ["diffusion"] = DiffusionInputs.All,
        ["DDPO"] = DdpoInputs.All,
    };

    public static BadInput[] Of(string area) => [.. Areas[area]()];
}
