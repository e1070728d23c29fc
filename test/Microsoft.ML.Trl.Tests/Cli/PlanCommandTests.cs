using System.Reflection;
using System.Text.Json;
using Microsoft.ML.Trl.Cli;
using Microsoft.ML.Trl.Tests.TestSupport;
using Spectre.Console;

namespace Microsoft.ML.Trl.Tests.Cli;

/// <summary>The program <c>trl</c>, called as its entry point calls it.</summary>
[TestClass]
public sealed class PlanCommandTests
{
    private const string Methods =
        "sft, reward, dpo, kto, bco, cpo, orpo, prm, classification, "
        + "ppo, grpo, rloo, online-dpo, xpo, nash-md, raft, distill, gkd, minillm.";

    private static readonly string Model = Fixtures.Path("models", "gpt2");

    [TestMethod]
    [DataRow("sft", "--use_peft --lora_r 4 --bf16 --max_length 32 --per_device_train_batch_size 2")]
    [DataRow("dpo", "--max-length 32 --loss_type sigmoid bco_pair --optim adamw_torch")]
    [DataRow("sft", "--use_peft --load_in_4bit --use_bnb_nested_quant --bnb_4bit_quant_type nf4 --max-length 32")]
    [DataRow("sft", "--use_peft --load-in-8bit --max_length 32 --optim paged_adamw_8bit")]
    [DataRow("reward", "--max_length none --weight_averaging_update_freq 3")]
    [DataRow("ppo", "--batch_size 8 --mini_batch_size 4 --generation_max_new_tokens 8 --seed 1")]
    [DataRow("kto", "--max_length 32 --loss_type apo_zero_unpaired --per_device_train_batch_size 1")]
    [DataRow("bco", "--max_length 32 --reference_model int8")]
    [DataRow("cpo", "--max_length 32 --loss_type simpo --simpo_gamma 1 --padding_free")]
    [DataRow("orpo", "--max_length 32 --max_completion_length 8")]
    [DataRow("grpo", "--num_generations 4 --beta 0.04 --generation_max_new_tokens 8 --loss_type dr_grpo --steps_per_generation 2")]
    [DataRow("rloo", "--num_generations 4 --generation_max_new_tokens 8 --use_peft")]
    [DataRow("online-dpo", "--max_length 24 --generation_max_new_tokens 8 --beta 0.1 0.05")]
    [DataRow("xpo", "--max_length 24 --generation_max_new_tokens 8 --alpha 1e-5")]
    [DataRow("nash-md", "--max_length 24 --generation_max_new_tokens 8 --mixture_coef 0.3")]
    [DataRow("raft", "--output_min_length 4 --output_max_length 9 --inference_batch_size_per_device 4")]
    [DataRow("prm", "--max_length 32")]
    [DataRow("distill", "--max_length 32 --alpha 0 --teacher_model_name_or_path MODEL")]
    [DataRow("gkd", "--max_length 32 --max_new_tokens 8 --teacher-model-name-or-path MODEL --teacher_model int8")]
    [DataRow("minillm", "--generation_max_new_tokens 8 --num_generations 2 --teacher_model_name_or_path MODEL")]
    [DataRow("classification", "--labels good bad --lr_scheduler_type cosine_with_restarts")]
    public void A_plan_is_a_table(string method, string flags)
    {
        string[] given = flags.Replace("MODEL", Model, StringComparison.Ordinal).Split(' ');
        (int code, string shown, string errors) = Run(["plan", method, "--model_name_or_path", Model, .. given]);
        Assert.AreEqual((0, ""), (code, errors));
        foreach (string word in new[] { "weights", "optimizer", "peak", "time per step", "gpt2" })
            StringAssert.Contains(shown, word);
    }

    [TestMethod]
    public void A_plan_is_json_where_that_is_asked_for()
    {
        (int code, string shown, _) = Run(["plan", "sft", "--model_name_or_path", Model, "--json", "--use_peft", "--lora_r", "2"]);
        Assert.AreEqual(0, code);
        using JsonDocument plan = JsonDocument.Parse(shown);
        Assert.AreEqual("SFT", plan.RootElement.GetProperty("method").GetString());
        // 2 layers, c_attn from 32 to 96: rank times inputs and outputs
        JsonElement config = JsonDocument.Parse(File.ReadAllText(Path.Combine(Model, "config.json"))).RootElement;
        int width = config.GetProperty("n_embd").GetInt32(), layers = config.GetProperty("n_layer").GetInt32();
        Assert.AreEqual(2 * layers * 4 * width, plan.RootElement.GetProperty("trained_parameters").GetInt64());
        Assert.IsGreaterThan(0, plan.RootElement.GetProperty("peak_bytes").GetInt64());
    }

    [TestMethod]
    [DataRow(new[] { "train" }, "'train'", "Allowed here: plan.")]
    [DataRow(new[] { "plan" }, "Required command", "Allowed here: " + Methods)]
    [DataRow(new[] { "plan", "magic" }, "'magic'", "Allowed here: " + Methods)]
    [DataRow(new[] { "plan", "sft" }, "--model_name_or_path", "'trl plan sft --help' shows all flags.")]
    [DataRow(new[] { "plan", "gkd", "M" }, "--teacher_model_name_or_path", "'trl plan gkd --help' shows all flags.")]
    [DataRow(new[] { "plan", "sft", "M", "--max_lenght", "3" }, "'--max_lenght'", "near '--max_lenght' there are --max_length")]
    [DataRow(new[] { "plan", "sft", "M", "--max_length", "many" }, "--max_length is 'many'", "allowed is a whole number, or none.")]
    [DataRow(new[] { "plan", "sft", "M", "--max_length" }, "--max_length", "shows all flags")]
    [DataRow(new[] { "plan", "sft", "M", "--learning_rate", "fast" }, "--learning_rate is 'fast'", "allowed is a number.")]
    [DataRow(new[] { "plan", "sft", "M", "--bf16", "maybe" }, "--bf16 is 'maybe'", "true or false")]
    [DataRow(new[] { "plan", "sft", "M", "--optim", "magic" }, "--optim is 'magic'", "allowed is adam_w, adam, sgd")]
    [DataRow(new[] { "plan", "sft", "M", "--lr_scheduler_kwargs", "{" }, "--lr_scheduler_kwargs is '{'", "a JSON object of numbers")]
    [DataRow(new[] { "plan", "sft", "M", "--load_in_8bit", "--load_in_4bit" }, "--load_in_8bit and --load_in_4bit", "give one of them")]
    [DataRow(new[] { "plan", "sft", "M", "--load_in_4bit", "--bnb_4bit_quant_type", "fp4" }, "quant_type is 'fp4'", "allowed is nf4")]
    [DataRow(new[] { "plan", "sft", "M", "--use_bnb_nested_quant" }, "--use_bnb_nested_quant belongs", "give --load_in_4bit too")]
    [DataRow(new[] { "plan", "sft", "M", "--bnb_4bit_quant_type", "nf4" }, "--bnb_4bit_quant_type belongs", "give --load_in_4bit too")]
    [DataRow(new[] { "plan", "sft", "M", "--load_in_4bit" }, "BaseQuantization (Nf4)", "set Peft")]
    [DataRow(new[] { "plan", "sft", "M", "--lora_r", "4" }, "--lora_r belongs to an adapter", "give --use_peft too")]
    [DataRow(new[] { "plan", "sft", "M", "--max_length", "1" }, "MaxLength (1)", "must be 2 or greater")]
    [DataRow(new[] { "plan", "sft", "M", "--use_peft", "--lora_target_modules", "nothing" }, "TargetModules has 'nothing'", "c_attn")]
    [DataRow(new[] { "plan", "sft", "--model_name_or_path", "/no/such/folder" }, "There is no folder '/no/such/folder'", "give the path")]
    public void What_cannot_be_used_ends_with_2_and_says_what_is_allowed(string[] args, string given, string allowed)
    {
        (int code, _, string errors) = Run([.. args.SelectMany(arg => arg == "M" ? ["--model_name_or_path", Model] : new[] { arg })]);
        Assert.AreEqual(2, code, errors);
        StringAssert.Contains(errors, given);
        StringAssert.Contains(errors, allowed);
    }

    [TestMethod]
    public void Every_property_is_a_flag()
    {
        Complete<SftOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<RewardOptions>();
        Complete<DpoOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<PpoOptions>("generation_bad_words_ids", "generation_constraint", "length_sampler");
        Complete<TextClassificationOptions>();
        Complete<PrmOptions>();
        Complete<DistillOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<GkdOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<MiniLlmOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<KtoOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<BcoOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<CpoOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<OrpoOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<GrpoOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<RlooOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<OnlineDpoOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<XpoOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<NashMdOptions>("generation_bad_words_ids", "generation_constraint");
        Complete<RaftOptions>("generation_bad_words_ids", "generation_constraint");
    }

    [TestMethod]
    public void Flags_reach_their_properties()
    {
        var flags = new OptionFlags<PpoOptions>();
        var command = new System.CommandLine.Command("ppo");
        flags.AddTo(command);
        string[] given =
        [
            .. ("--use_peft --lora_alpha 7 --lora_modules_to_save a b --use_rslora --generation_top_k 5 --num_shared_layers none "
                + "--value_head_summary_dropout_prob 0.25 --weight_averaging_ema_decay 0.5 --adap_kl_ctrl false").Split(' '),
            "--lr_scheduler_kwargs", """{"power": 2}""",
        ];
        PpoOptions options = flags.Read(command.Parse(given));
        Assert.AreEqual((16, 7.0, 0.05, true), (options.Peft!.R, options.Peft.LoraAlpha, options.Peft.LoraDropout, options.Peft.UseRslora));
        CollectionAssert.AreEqual(new[] { "a", "b" }, options.Peft.ModulesToSave!.ToArray());
        Assert.AreEqual((5, 0.25, 0.5), (options.Generation.TopK, options.ValueHead.SummaryDropoutProb, options.WeightAveraging!.EmaDecay));
        Assert.AreEqual((null, false, 2.0), (options.NumSharedLayers, options.AdapKlCtrl, options.LrSchedulerKwargs!["power"]));
    }

    [TestMethod]
    [DataRow("adamw_torch", OptimizerKind.AdamW)]
    [DataRow("adamw_torch_fused", OptimizerKind.AdamW)]
    [DataRow("paged_adamw_32bit", OptimizerKind.AdamW)]
    [DataRow("adamw_8bit", OptimizerKind.AdamW8Bit)]
    [DataRow("adamw_bnb_8bit", OptimizerKind.AdamW8Bit)]
    [DataRow("paged_adamw_8bit", OptimizerKind.AdamW8Bit)]
    [DataRow("lion_8bit", OptimizerKind.Lion8Bit)]
    [DataRow("lion_32bit", OptimizerKind.Lion)]
    [DataRow("paged_lion_8bit", OptimizerKind.Lion8Bit)]
    [DataRow("adafactor", OptimizerKind.Adafactor)]
    [DataRow("sgd", OptimizerKind.Sgd)]
    [DataRow("rmsprop", OptimizerKind.RmsProp)]
    [DataRow("adagrad", OptimizerKind.Adagrad)]
    public void Optimizers_have_the_names_of_transformers(string name, OptimizerKind kind) =>
        Assert.AreEqual(kind, FlagValue.Of("optim", typeof(OptimizerKind), [name]));

    [TestMethod]
    [DataRow("--load_in_8bit", WeightQuantization.Int8)]
    [DataRow("--load_in_4bit", WeightQuantization.Nf4)]
    [DataRow("--load_in_4bit --use_bnb_nested_quant", WeightQuantization.Nf4Nested)]
    [DataRow("--base_quantization int4", WeightQuantization.Int4)]
    public void Bits_have_the_flags_of_TRL(string given, WeightQuantization expected)
    {
        var flags = new OptionFlags<SftOptions>();
        var command = new System.CommandLine.Command("sft");
        flags.AddTo(command);
        Assert.AreEqual(expected, flags.Read(command.Parse(("--use_peft " + given).Split(' '))).BaseQuantization);
    }

    private static void Complete<TOptions>(params string[] without)
        where TOptions : TrainingOptions, new()
    {
        HashSet<string> flags = [.. new OptionFlags<TOptions>().FlagNames];
        IEnumerable<string> Expected(Type record, string before, HashSet<string> left)
        {
            foreach (PropertyInfo property in record.GetProperties().Where(property => property.SetMethod is { IsPublic: true }))
            {
                string name = before + Names.Snake(property.Name);
                if (left.Contains(name) || property.Name == nameof(TrainingOptions.Peft))
                    continue;
                if (FlagValue.IsKnown(property.PropertyType))
                    yield return name;
                else
                    foreach (string inner in Expected(Names.Bare(property.PropertyType), name + "_", left))
                        yield return inner;
            }
        }
        string[] missing = [.. Expected(typeof(TOptions), "", [.. without]).Where(name => !flags.Contains(name))];
        Assert.IsEmpty(missing, string.Join(", ", missing));
        string[] trl = ["use_peft", "lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "use_dora", "learning_rate"];
        foreach (string known in trl)
            Assert.Contains(known, flags);
        foreach (string left in without)
            Assert.DoesNotContain(left, flags);
    }

    private static (int Code, string Shown, string Errors) Run(string[] args)
    {
        using StringWriter shown = new(), errors = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(shown) });
        console.Profile.Width = 160;
        int code = TrlCommandLine.Run(args, console, errors);
        return (code, shown.ToString(), errors.ToString());
    }
}
